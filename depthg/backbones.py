"""Frozen backbones: any timm model with dense features, as patch tokens of its last block.

The tokens are those STEGO and DepthG train on: the last block's output after the final norm, without class
and register tokens; for a CNN, the last stage's feature map.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

import depthg
from depthg.config import Backbone
from depthg.errors import DepthGError

MEAN = (0.485, 0.456, 0.406)  # of ImageNet, which all backbones here were trained with
STD = (0.229, 0.224, 0.225)
WRAPPERS = ("teacher", "state_dict", "model")  # where checkpoints keep the weights, in this order
PREFIXES = ("module.", "backbone.", "encoder.")  # what training frameworks put before a name
HEADS = ("head.", "fc.", "classifier.")  # parts of a checkpoint that dense features do without


class DenseBackbone(nn.Module):
    """A frozen timm model that maps photographs to dense features.

    Args:
        spec: architecture, its arguments, and weights.
        name: what config.yaml calls it, for error messages.

    Raises:
        DepthGError: unknown architecture, or weights that are missing or do not fit.
    """

    def __init__(self, spec: Backbone, name: str = "backbone"):
        super().__init__()
        self.name = name
        self.net: Any = _create(spec, name)
        if spec.weights is not None:
            _load(self.net, _weights_path(spec.weights, name))
        self.net.eval().requires_grad_(False)
        self.net.to(memory_format=torch.channels_last)  # convolutions run 20 % faster on a CPU
        self.mean = nn.Buffer(torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.std = nn.Buffer(torch.tensor(STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Patch tokens [B, h, w, C], float32, of photographs [B, S, S, 3], uint8."""
        pixels = images.permute(0, 3, 1, 2).float().div(255).sub(self.mean).div(self.std)
        try:
            features = self.net.forward_intermediates(
                pixels, indices=1, norm=True, output_fmt="NCHW", intermediates_only=True
            )[-1]
        except AssertionError as error:  # timm: the patch does not divide the side
            raise DepthGError(f"backbone {self.name}: crops of {images.shape[1]} px: {error}") from None
        return features.permute(0, 2, 3, 1).float()

    def weights_hash(self) -> str:
        """A hash of all weights: part of the fingerprint of everything made with them."""
        digest = hashlib.sha256()
        for key, value in sorted(self.net.state_dict().items()):
            digest.update(key.encode())
            digest.update(value.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]


def _create(spec: Backbone, name: str) -> nn.Module:
    """Build the architecture; without a file of weights, fetch the hub's."""
    if not timm.is_model(spec.model.split(".")[0]):
        raise DepthGError(f"backbone {name}: timm has no model '{spec.model}': see timm.list_models()")
    try:
        return timm.create_model(spec.model, pretrained=spec.weights is None, num_classes=0, **spec.args)
    except TypeError as error:
        raise DepthGError(f"backbone {name}: args: {error}") from None
    except Exception as error:  # the hub's many ways to say that it cannot be reached
        if spec.weights is not None:
            raise
        raise DepthGError(
            f"backbone {name}: the weights of timm's '{spec.model}' could not be fetched "
            f"({type(error).__name__}): download them where there is a network and set "
            f"backbones: {name}: weights: <file.pth or file.safetensors>"
        ) from None


def _weights_path(weights: str, name: str) -> Path:
    """The file of weights: as given, or among those that come with the package."""
    for path in (Path(weights), Path(depthg.__file__).parent.parent / weights):
        if path.is_file():
            return path
    raise DepthGError(f"backbone {name}: no weights at {weights}: put the file there, or correct the path")


def _load(net: nn.Module, path: Path) -> None:
    """Load a checkpoint into the model; every weight of the model must be in it."""
    weights = {key: value.float() for key, value in clean_keys(_read(path)).items()}
    own = net.state_dict()
    missing = [key for key in own if key not in weights and not key.endswith("num_batches_tracked")]
    foreign = [key for key in weights if key not in own]
    shapes = [key for key in own if key in weights and own[key].shape != weights[key].shape]
    for problem, keys in (("lacks", missing), ("has unknown", foreign), ("has another shape of", shapes)):
        if keys:
            more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
            raise DepthGError(f"{path}: {problem} '{keys[0]}'{more}: not weights of this model and its args")
    net.load_state_dict(weights, strict=False)


def _read(path: Path) -> Mapping[str, Any]:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        reason = str(error).splitlines()[0]
        raise DepthGError(f"{path}: not a readable checkpoint ({reason}): download it again") from None


def clean_keys(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """The bare weights of a checkpoint: unwrapped, without prefixes and without heads."""
    for wrapper in WRAPPERS:
        if isinstance(checkpoint.get(wrapper), Mapping):
            checkpoint = checkpoint[wrapper]
            break
    cleaned = {}
    for key, value in checkpoint.items():
        for prefix in PREFIXES:
            key = key.removeprefix(prefix)
        if isinstance(value, Tensor) and not key.startswith(HEADS):
            cleaned[key] = value
    return cleaned
