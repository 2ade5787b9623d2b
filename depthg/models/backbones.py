"""Frozen backbones: any timm model with dense features, as patch tokens of its last block.

The tokens are those STEGO and DepthG train on: the last block's output after the final norm, without class
and register tokens; for a CNN, the last stage's feature map. A crop that the patch does not divide is resized
to the nearest side that it does.
"""

import hashlib
from pathlib import Path
from typing import Any

import timm
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from depthg.config.sections import Backbone
from depthg.errors import DepthGError
from depthg.runtime.progress import info
from depthg.runtime.workflow import PACKAGE
from depthg.weights.catalogue import check_pin, fetched, timm_hub_id
from depthg.weights.checkpoints import clean_keys, load_weights, read_checkpoint, rename_for_timm

MEAN = (0.485, 0.456, 0.406)  # of ImageNet, which all backbones here were trained with
STD = (0.229, 0.224, 0.225)


class DenseBackbone(nn.Module):
    """A frozen timm model that maps photographs to patch tokens.

    Args:
        spec: architecture, its arguments, and weights.
        name: what config.yaml calls it, for error messages.
        untrained: keep the random weights, to measure speed.

    Raises:
        DepthGError: unknown architecture, or weights that are missing or do not fit.
    """

    def __init__(self, spec: Backbone, name: str = "backbone", untrained: bool = False):
        super().__init__()
        self.name = name
        self.net: Any = _create(_bare(spec) if untrained else spec, name)
        if spec.weights is not None and not untrained:
            _load(self.net, _weights_path(spec.weights, name))
        self.patch = _patch(self.net)
        self.announced = False
        self.net.eval().requires_grad_(False)
        self.net.to(memory_format=torch.channels_last)  # convolutions run 20 % faster on a CPU
        self.mean = nn.Buffer(torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.std = nn.Buffer(torch.tensor(STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Patch tokens [B, h, w, C], float32, of photographs [B, S, S, 3], uint8."""
        pixels = images.permute(0, 3, 1, 2).float().div(255).sub(self.mean).div(self.std)
        return _last_block(self.net, self._fitted(pixels), self.name).permute(0, 2, 3, 1).float()

    def _fitted(self, pixels: Tensor) -> Tensor:
        """Pixels [B, 3, S, S] resized to the nearest multiple of the patch; announced once."""
        side = pixels.shape[-1]
        fitted = self.patch * max(1, round(side / self.patch))
        if fitted == side:
            return pixels
        if not self.announced:
            info(
                f"backbone {self.name}: crops of {side} px are resized to {fitted} px, "
                f"a multiple of its {self.patch} px patches"
            )
            self.announced = True
        return interpolate(pixels, size=(fitted, fitted), mode="bilinear", antialias=True)

    def weights_hash(self) -> str:
        """A hash of all weights: part of the fingerprint of everything made with them."""
        digest = hashlib.sha256()
        for key, value in sorted(self.net.state_dict().items()):
            digest.update(key.encode())
            digest.update(value.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]


def _patch(net: nn.Module) -> int:
    """The side of a model's patches in pixels; 1 for a CNN, which takes any crop."""
    size = getattr(getattr(net, "patch_embed", None), "patch_size", (1,))
    return int(size[0])


def token_shape(spec: Backbone, name: str, side: int) -> tuple[int, int, int]:
    """The tokens [h, w, C] of crops of a side, found without weights and without computing anything.

    Raises:
        DepthGError: unknown architecture, or one made for another side.
    """
    with torch.device("meta"):
        net = _create(_bare(spec), name).eval()
        patch = _patch(net)
        fitted = patch * max(1, round(side / patch))
        features = _last_block(net, torch.empty(1, 3, fitted, fitted), name)
    channels, rows, columns = features.shape[1:]
    return rows, columns, channels


def _bare(spec: Backbone) -> Backbone:
    """The same without weights."""
    return spec.model_copy(update={"weights": "none"})  # a path, so that the hub is not asked; never opened


def _last_block(net: Any, pixels: Tensor, name: str) -> Tensor:
    """Dense features [B, C, h, w] of pixels [B, 3, S, S]."""
    try:
        return net.forward_intermediates(
            pixels, indices=1, norm=True, output_fmt="NCHW", intermediates_only=True
        )[-1]
    except AssertionError as error:  # timm: made for one size only
        raise DepthGError(
            f"backbone {name}: crops of {pixels.shape[-1]} px: {error}: "
            f"add dynamic_img_size: true to backbones: {name}: args"
        ) from None


def _create(spec: Backbone, name: str) -> nn.Module:
    """Build the architecture; without a file of weights, with those of its hub, fetched before or now."""
    if not timm.is_model(spec.model.split(".")[0]):
        raise DepthGError(f"backbone {name}: timm has no model '{spec.model}': see timm.list_models()")
    # What `depthg weights fetch` put here is not asked from the hub again.
    folder = None if spec.weights else fetched(timm_hub_id(spec.model))
    overlay = {"file": str(folder / "model.safetensors")} if folder else None
    try:
        return timm.create_model(
            spec.model,
            pretrained=spec.weights is None,
            pretrained_cfg_overlay=overlay,
            num_classes=0,
            **spec.args,
        )
    except TypeError as error:
        raise DepthGError(f"backbone {name}: args: {error}") from None
    except Exception as error:  # the hub's many ways to say that it cannot be reached
        if spec.weights is not None:
            raise
        raise DepthGError(
            f"backbone {name}: the weights of timm's '{spec.model}' could not be "
            f"{f'read from {folder}' if folder else 'fetched'} ({type(error).__name__}): download them "
            f"where there is a network with `depthg weights fetch {name}`, copy resources/weights here, "
            f"or set backbones: {name}: weights: <file.pth or file.safetensors>"
        ) from None


def _weights_path(weights: str, name: str) -> Path:
    """The file of weights: as given, or among those that come with the package."""
    for path in (Path(weights), PACKAGE.parent / weights):
        if path.is_file():
            return path
    raise DepthGError(
        f"backbone {name}: no weights at {weights}: put the file there (`depthg weights fetch {name}` "
        "downloads those it knows), or correct the path"
    )


def _load(net: nn.Module, path: Path) -> None:
    """Load a file of weights into a model; it must be complete, and the one that was pinned."""
    check_pin(path)
    load_weights(net, rename_for_timm(clean_keys(read_checkpoint(path)), net), path)
