"""Frozen backbones: the patch tokens of the last block of any timm model with dense features.

As in STEGO and DepthG, tokens are the output of the last block after the final norm, without class and register
tokens; for a CNN, the feature map of the last stage. A crop whose side is not a multiple of the patch size is resized
to the nearest multiple.
"""

import hashlib
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from depthg.config.grid import patches_along
from depthg.config.sections import Backbone
from depthg.errors import DepthGError
from depthg.runtime.device import exact_float32
from depthg.runtime.progress import info
from depthg.runtime.workflow import PACKAGE
from depthg.weights.catalogue import WEIGHTS, check_pin, fetched, timm_hub_id
from depthg.weights.checkpoints import clean_keys, load_weights, read_checkpoint, rename_for_timm
from depthg.weights.hub import cached, why_unreachable

MEAN = (0.485, 0.456, 0.406)  # of RGB in [0, 1] over ImageNet, the training data of the backbones
STD = (0.229, 0.224, 0.225)


class DenseBackbone(nn.Module):
    """A frozen timm model that maps images to patch tokens.

    Args:
        spec: architecture, its arguments, and weights.
        name: its name in config.yaml, for error messages.
        untrained: keep random weights, for speed measurements.

    Raises:
        DepthGError: the architecture is unknown, or the weights are missing or do not match it.

    Example:
        >>> backbone = DenseBackbone(Backbone(model="resnet18"), untrained=True)
        >>> backbone(torch.zeros(2, 224, 224, 3, dtype=torch.uint8)).shape
        torch.Size([2, 7, 7, 512])
    """

    def __init__(self, spec: Backbone, name: str = "backbone", untrained: bool = False):
        super().__init__()
        self.name = name
        self.net: Any = _create(_bare(spec) if untrained else spec, name)
        if spec.weights is not None and not untrained:
            _load(self.net, _weights_path(spec.weights, name))
        self.patch = _patch(self.net)
        self.announced = False
        self.precision = torch.float32
        self.net.eval().requires_grad_(False)
        self.net.to(memory_format=torch.channels_last)  # convolutions run 20 % faster on a CPU
        self.mean = nn.Buffer(torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.std = nn.Buffer(torch.tensor(STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Patch tokens float32 [B, h, w, C] of RGB images uint8 [B, S, S, 3]."""
        pixels = images.permute(0, 3, 1, 2).float().div(255).sub(self.mean).div(self.std)
        # What is called float32 gives the same tokens on all machines.
        exact = self.precision == torch.float32 and images.device.type != "cpu"
        with exact_float32() if exact else nullcontext():
            tokens = _last_block(self.net, self._resized(pixels).to(self.precision), self.name)
        return tokens.permute(0, 2, 3, 1).float()

    def in_precision(self, precision: torch.dtype) -> "DenseBackbone":
        """Cast the weights, and with them the computation; returns the backbone itself."""
        self.precision = precision
        self.net.to(precision)
        return self

    def _resized(self, pixels: Tensor) -> Tensor:
        """Pixels [B, 3, S, S] resized to the nearest multiple of the patch size; the user is told once."""
        side = pixels.shape[-1]
        resized = self.patch * patches_along(side, self.patch)
        if resized == side:
            return pixels
        if not self.announced:
            info(
                f"backbone {self.name}: crops of {side} px are resized to {resized} px, "
                f"a multiple of its {self.patch} px patches"
            )
            self.announced = True
        return interpolate(pixels, size=(resized, resized), mode="bilinear", antialias=True)

    def weights_hash(self) -> str:
        """A hash of all weights, 16 hexadecimal digits: part of the provenance of the tokens."""
        digest = hashlib.sha256()
        for key, value in sorted(self.net.state_dict().items()):
            digest.update(key.encode())
            digest.update(value.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]


def _patch(net: nn.Module) -> int:
    """Side of a model's patches in pixels; 1 for a CNN, which accepts any crop."""
    size = getattr(getattr(net, "patch_embed", None), "patch_size", (1,))
    return int(size[0])


def token_shape(spec: Backbone, name: str, side: int) -> tuple[int, int, int]:
    """Shape (h, w, C) of the tokens of a crop of `side` pixels, found without weights or computation (meta device).

    Raises:
        DepthGError: the architecture is unknown, or requires another side.
    """
    with torch.device("meta"):
        net = _create(_bare(spec), name).eval()
        patch = _patch(net)
        resized = patch * patches_along(side, patch)
        features = _last_block(net, torch.empty(1, 3, resized, resized), name)
    channels, rows, columns = features.shape[1:]
    return rows, columns, channels


def _bare(spec: Backbone) -> Backbone:
    """A copy of `spec` that loads no weights."""
    return spec.model_copy(update={"weights": "none"})  # a path prevents a download; it is never opened


def _last_block(net: Any, pixels: Tensor, name: str) -> Tensor:
    """Dense features [B, C, h, w] of normalised pixels [B, 3, S, S]."""
    try:
        return net.forward_intermediates(
            pixels, indices=1, norm=True, output_fmt="NCHW", intermediates_only=True
        )[-1]
    except AssertionError as error:  # raised by timm if the model accepts one image size only
        raise DepthGError(
            f"backbone {name}: crops of {pixels.shape[-1]} px: {error}: "
            f"add dynamic_img_size: true to backbones: {name}: args"
        ) from None


def _create(spec: Backbone, name: str) -> nn.Module:
    """Build the architecture; unless the weights are a file, load pretrained ones from disk or from the hub."""
    import timm  # takes seconds, and most processes that import this module build no backbone

    if not timm.is_model(spec.model.split(".")[0]):
        raise DepthGError(f"backbone {name}: timm has no model '{spec.model}': see timm.list_models()")
    file = None if spec.weights else _file_of(spec.model)
    try:
        if spec.weights is None and file is None and timm_hub_id(spec.model) and (why := why_unreachable()):
            raise ConnectionError(why)
        return timm.create_model(
            spec.model,
            pretrained=spec.weights is None,
            pretrained_cfg_overlay={"file": str(file), "custom_load": False} if file else None,
            num_classes=0,
            **spec.args,
        )
    except TypeError as error:
        raise DepthGError(f"backbone {name}: args: {error}") from None
    except Exception as error:  # the hub client raises many types when it is unreachable
        if spec.weights is not None:
            raise
        reason = error if isinstance(error, ConnectionError) else type(error).__name__
        raise DepthGError(
            f"backbone {name}: the weights of timm's '{spec.model}' could not be "
            f"{f'read from {file}' if file else 'fetched'} ({reason}): download them "
            f"where there is a network with `depthg weights fetch {name}`, copy resources/weights here, "
            f"or set backbones: {name}: weights: <file.pth or file.safetensors>"
        ) from None


def _file_of(model: str) -> Path | None:
    """The pretrained weights of a timm model on this machine: fetched, or in the hub's cache; None: neither."""
    hub_id = timm_hub_id(model)
    if hub_id is None:
        return None
    folder = fetched(hub_id)
    return folder / WEIGHTS if folder else cached(hub_id, WEIGHTS) or cached(hub_id, "pytorch_model.bin")


def _weights_path(weights: str, name: str) -> Path:
    """Path of a file of weights: relative to the working directory, or to the package."""
    for path in (Path(weights), PACKAGE.parent / weights):
        if path.is_file():
            return path
    raise DepthGError(
        f"backbone {name}: no weights at {weights}: put the file there (`depthg weights fetch {name}` "
        "downloads those it knows), or correct the path"
    )


def _load(net: nn.Module, path: Path) -> None:
    """Load a file of weights into a model, after checking its SHA-256 if it is in the catalogue."""
    check_pin(path)
    load_weights(net, rename_for_timm(clean_keys(read_checkpoint(path)), net), path)
