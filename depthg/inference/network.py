"""What a model's folder holds, ready to compute: backbone, projection, head and centroids on one device."""

from functools import cached_property
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from depthg.errors import DepthGError
from depthg.evaluation.probes import Probes, load_probes
from depthg.inference import config as names
from depthg.inference.config import ModelConfig, read_config
from depthg.models.backbones import DenseBackbone
from depthg.models.checkpoint import Model, load_model
from depthg.models.precision import choose_precision
from depthg.runtime import device as devices
from depthg.stages.features import dense_features
from depthg.stages.mirrored import mirror
from depthg.store.tokens import as_stored


class Network:
    """The networks of a model: windows in, codes out.

    Args:
        folder: a model's folder: see depthg.inference.config.
        device: where to compute, for example `cuda:1`; None: a GPU if there is one.
        precision: of the backbone, for example `float32`; None: as its configuration says, and without a word there,
            as the features stage chooses on this device.

    Attributes:
        config: the content of config.json.
        probes: the cluster probe, on the device; a linear probe was taught by labels, and is left out.

    Raises:
        DepthGError: a file of the folder or the backbone's weights are missing, or do not belong together.
    """

    def __init__(self, folder: Path, device: str | torch.device | None = None, precision: str | None = None):
        self.config = read_config(folder)
        self.device = _device(device)
        spec = self.config.backbone.spec
        self.backbone = load_backbone(folder, self.config).to(self.device)
        self.backbone.in_precision(choose_precision(self.device, precision, spec.precision))
        self.axes = _axes(folder, self.device)
        self.head: Model = load_model(folder / names.HEAD).to(self.device)
        self.probes = Probes(_centroids(folder, self.config), None).to(self.device)
        # In training the backbone's own tokens were stored, too, before they were projected.
        self._seen_as = self.config.stored if self.axes is None else spec.stored

    @cached_property
    def tokens(self) -> int:
        """Tokens along a window's side."""
        side = self.config.side
        blank = torch.zeros(1, side, side, 3, dtype=torch.uint8, device=self.device)
        return dense_features(self.backbone, blank).shape[1]

    def encode(self, pixels: Tensor, flip: bool) -> tuple[Tensor, tuple[int, int]]:
        """Codes float32 [B, P, Q] of windows uint8 [B, S, S, 3], and their grid (h, w).

        With `flip` they are the mean with those of the mirror images, mirrored back.
        """
        found = [as_stored(self.backbone(pixels), self._seen_as)]
        if flip:
            found.append(as_stored(mirror(self.backbone(mirror(pixels))), self._seen_as))
        if self.axes is not None:
            found = [as_stored(tokens @ self.axes, self.config.stored) for tokens in found]
        codes = [self.head(tokens.flatten(1, 2)) for tokens in found]
        grid = (found[0].shape[1], found[0].shape[2])
        return (codes[0] + codes[1]) / 2 if flip else codes[0], grid


def load_backbone(folder: Path, config: ModelConfig) -> DenseBackbone:
    """The backbone of a model in float32, on the CPU.

    Raises:
        DepthGError: its weights are missing, or are not those that the model was trained on.
    """
    ref = config.backbone
    spec = ref.spec
    if ref.bundled:
        spec = spec.model_copy(update={"weights": str(folder / names.BACKBONE)})
    backbone = DenseBackbone(spec, ref.name)
    if ref.hash not in (None, backbone.weights_hash()):
        raise DepthGError(
            f"{folder}: the weights of backbone {ref.name} are not those that the model was trained on: "
            "put the former ones back, or take a model that was exported with --bundle"
        )
    return backbone


def _device(name: str | torch.device | None) -> torch.device:
    """The device of a name, or the one that this process computes on.

    Raises:
        DepthGError: there is no such device.
    """
    if name is None:
        return devices.device()
    try:
        return torch.zeros((), device=name).device
    except (RuntimeError, AssertionError) as error:
        raise DepthGError(f"device {name}: {str(error).splitlines()[0]}: give cpu, cuda or cuda:1") from None


def _axes(folder: Path, where: torch.device) -> Tensor | None:
    """The principal axes float32 [C, K] of projected tokens; None where they are not projected."""
    path = folder / names.AXES
    return load_file(path)["axes"].to(where) if path.is_file() else None


def _centroids(folder: Path, config: ModelConfig) -> Tensor:
    """The centroids float32 [clusters, Q], as many as config.json knows.

    Raises:
        DepthGError: there are more or fewer.
    """
    centroids = load_probes(folder / names.PROBES).centroids
    if len(centroids) != len(config.class_of):
        raise DepthGError(
            f"{folder}: {names.PROBES} has {len(centroids)} clusters and {names.CONFIG} tells the class of "
            f"{len(config.class_of)}: export the model again"
        )
    return centroids
