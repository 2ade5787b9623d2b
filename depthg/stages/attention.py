"""Neighbours of each token by the backbone's attention, for local hidden positives (Seong et al., CVPR 2023, Sec. 3.3).

Reads the crops and the store of their features; writes `attention.zarr`. The attention consists of the last block's
logits (before the softmax), averaged over heads, between patch tokens only. As released (`mixing: released`), the store
holds the whole attention after the softmax instead, from which training makes the weights.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from timm.models.vision_transformer import Attention
from torch import Tensor, nn

from depthg.config.sections import Backbone
from depthg.errors import DepthGError
from depthg.models.backbones import DenseBackbone
from depthg.runtime.device import device
from depthg.stages.features import dense_features, open_backbone, write_crops
from depthg.store.arrays import Array
from depthg.store.reader import Store

QUANTILES = (0.1, 0.9)  # each row's logits are clamped to these: no single token dominates the softmax
NEAR = [(0, 0)] + [(r, c) for r in (-1, 0, 1) for c in (-1, 0, 1) if (r, c) != (0, 0)]  # itself first


class AttentionLogits:
    """Attention logits of the last block, computed from the queries and keys that forward hooks capture.

    Args:
        backbone: a plain ViT of timm.

    Raises:
        DepthGError: the backbone's last block has no attention of timm's plain kind.
    """

    def __init__(self, backbone: DenseBackbone):
        self.backbone, self.seen = backbone, dict[str, Tensor]()
        self.attention = _last_attention(backbone.net, backbone.name)
        for name in ("q_norm", "k_norm"):  # in every block; the identity without QK normalisation
            getattr(self.attention, name).register_forward_hook(self._keep(name))

    def _keep(self, name: str) -> Any:
        return lambda module, inputs, output: self.seen.update({name: output})

    @torch.inference_mode()
    def __call__(self, images: Tensor) -> Tensor:
        """Logits ⟨q_i, k_j⟩ / √d averaged over heads, float32 [B, P, P], of crops uint8 [B, S, S, 3]."""
        q, k = (found[:, :, self._prefix :] for found in self._queries_and_keys(images))
        return (q @ k.transpose(-1, -2)).mean(1) * self.attention.scale

    @torch.inference_mode()
    def maps(self, images: Tensor) -> Tensor:
        """Attention after the softmax over all tokens, averaged over heads, float32 [B, P, P] of the patch tokens."""
        q, k = self._queries_and_keys(images)
        shares = (q @ k.transpose(-1, -2) * self.attention.scale).softmax(-1).mean(1)
        return shares[:, self._prefix :, self._prefix :]

    def _queries_and_keys(self, images: Tensor) -> list[Tensor]:
        """Queries and keys of all tokens, float32 [B, heads, prefix + P, d] each."""
        dense_features(self.backbone, images)
        return [self.seen.pop(name).float() for name in ("q_norm", "k_norm")]

    @property
    def _prefix(self) -> int:
        """Number of class and register tokens, which come first."""
        return self.backbone.net.num_prefix_tokens


def _last_attention(net: nn.Module, name: str) -> Attention:
    """The attention module of the last block; DepthGError if it is not timm's plain `Attention`."""
    blocks: Any = getattr(net, "blocks", None)
    attention = getattr(blocks[-1], "attn", None) if isinstance(blocks, nn.Sequential) and blocks else None
    if type(attention) is not Attention:
        raise DepthGError(
            f"backbone {name}: lhp: attention needs a plain ViT of timm, and {type(net).__name__} is none: "
            "set lhp to depth or none, or choose another backbone"
        )
    return attention


def neighborhood(grid: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The 3×3 neighbourhood of each token, the token itself first.

    Args:
        grid: rows and columns of tokens (h, w), at least 9 tokens in total.

    Returns:
        ids: int64 [P, 9], distinct within a row.
        inside: bool [P, 9], false for padding: where the neighbourhood leaves the crop, ids hold arbitrary tokens.
    """
    h, w = grid
    row, column = np.divmod(np.arange(h * w), w)
    r, c = (place[:, None] + steps for place, steps in zip((row, column), np.array(NEAR).T, strict=True))
    inside = (r >= 0) & (r < h) & (c >= 0) & (c < w)
    ids = np.where(inside, r * w + c, -1)
    for token in np.flatnonzero(~inside.all(1)):
        others = np.setdiff1d(np.arange(h * w), ids[token])
        ids[token, ~inside[token]] = others[: (~inside[token]).sum()]
    return ids, inside


def attention_weights(logits: Tensor, ids: Tensor, inside: Tensor, rows: int) -> Tensor:
    """Mixing weights of the 3×3 neighbourhood of each token.

    Each row of logits is clamped to its quantiles, passed through a softmax over the crop and multiplied by h.
    Weights below the mean of their row, and those of padding, become 0; an all-zero row gives its token weight 1.

    Args:
        logits: float [P, P] of one crop.
        ids: neighbourhoods int64 [P, 9], the token itself first.
        inside: bool [P, 9], false for padding.
        rows: h, rows of the token grid.

    Returns:
        float [P, 9], at least one positive weight in every row.
    """
    low, high = torch.quantile(logits, logits.new_tensor(QUANTILES), dim=1, keepdim=True)
    shares = logits.clamp(low, high).softmax(-1) * rows
    near = shares.gather(1, ids)
    weights = torch.where((near >= shares.mean(1, keepdim=True)) & inside, near, 0.0)
    weights[:, 0] = torch.where(weights.sum(1) > 0, weights[:, 0], 1.0)
    return weights


def attention_arrays(tokens: int, mixing: str = "neighbors") -> dict[str, Array]:
    """The arrays of an attention store for crops of P tokens; uncompressed, as training reads rows at random."""
    if mixing == "released":
        return {"attention": Array((tokens, tokens), "float16", compress=False)}
    shape = (tokens, len(NEAR))
    return {
        "neighbors": Array(shape, "uint16", compress=False),
        "weights": Array(shape, "float16", compress=False),
    }


def make_attention(
    crops: Path, features: Path, out: Path, name: str, spec: Backbone, mixing: str = "neighbors"
) -> None:
    """Write `neighbors` uint16 [M, P, 9] and `weights` float16 [M, P, 9] for all crops of a store.

    As released, `attention` float16 [M, P, P] in place of both: 1.2 MB for a crop of 784 tokens.

    Args:
        crops: store of crops.
        features: store of their features by the same backbone; only its token grid is read.
        out: store to write; an interrupted run resumes.
        name: the backbone's name in config.yaml.
        spec: the backbone's settings.
        mixing: the setting of the experiments that read the store.

    Raises:
        DepthGError: the backbone has no plain attention, features are of other crops, or of fewer than 9 tokens.
    """
    source, backbone, provenance = open_backbone(crops, out, name, spec)
    tokens = Store(features).expect(crops=source)
    h, w = tokens.shape("tokens")[:2]
    if h * w < len(NEAR):
        raise DepthGError(f"{tokens.path}: lhp: attention needs 9 tokens a crop, not {h}×{w}: raise size")
    logits_of, (ids, inside) = AttentionLogits(backbone), neighborhood((h, w))
    neighbors = torch.from_numpy(ids)
    near, within = neighbors.to(device()), torch.from_numpy(inside).to(device())

    def compute(rows: range, images: Tensor) -> dict[str, Tensor]:
        if mixing == "released":
            return {"attention": logits_of.maps(images).half()}
        weights = [attention_weights(crop, near, within, h) for crop in logits_of(images)]
        return {"neighbors": neighbors.expand(len(rows), -1, -1), "weights": torch.stack(weights).half()}

    provenance["features"] = tokens.fingerprint
    write_crops(source, out, attention_arrays(h * w, mixing), provenance, compute, f"attention {name}")
