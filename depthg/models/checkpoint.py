"""The trained model, saved with its training settings in one safetensors file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.nn.functional import normalize

from depthg.config.settings import TrainSettings
from depthg.errors import DepthGError
from depthg.models.centring import Centring
from depthg.models.codebook import Codebook
from depthg.models.heads import HEADS, ChannelDropout
from depthg.models.projection import projection_of
from depthg.models.sealed import MODEL, load_sealed, save_sealed


class Model(nn.Module):
    """All trained networks, and the channel dropout of the target features.

    Args:
        settings: training settings.
        channels: C, number of channels of the backbone's tokens.
        clusters: number of entries of the codebook; None without one.
        mean: mean token float32 [C], for `tokens: centred`; None leaves 0, to be loaded.

    Attributes:
        centring: takes the mean off the tokens; None for raw tokens.
        head: tokens [..., P, C] → codes [..., P, Q].
        projection: codes [..., Q] → projected codes [..., Q]; None without hidden positives.
        codebook: centroids learned online; None if k-means finds them after training.
        dropout: channel dropout of the target features.
        settings: the training settings.
        channels: C, number of channels of the backbone's tokens.
        code_dim: Q, number of channels of a code.
        made_from: fingerprints of the stores that it was trained on, by name, and of their backbone; {} if not known.
        digest: of the file that it was loaded from; None if it has none.
    """

    def __init__(
        self,
        settings: TrainSettings,
        channels: int,
        clusters: int | None = None,
        mean: Tensor | None = None,
    ):
        super().__init__()
        self.settings, self.channels = settings, channels
        self.made_from: Mapping[str, Any] = {}
        self.digest: str | None = None
        self.centring = None
        if settings.tokens == "centred":
            self.centring = Centring(torch.zeros(channels) if mean is None else mean)
        self.head = HEADS[settings.head](channels, settings.code_dim, settings.dropout)
        self.code_dim = self.head.code_dim
        self.projection = projection_of(settings, self.code_dim)
        self.dropout = ChannelDropout(settings.dropout)
        self.codebook = Codebook(clusters, self.code_dim) if clusters is not None else None
        if self.projection is not None:
            self.projection.requires_grad_(settings.projection == "trained")

    def forward(self, tokens: Tensor) -> Tensor:
        """Codes float [..., P, Q] of tokens float [..., P, C]; joined with the tokens, they have Q + C channels."""
        seen = self.prepared(tokens)
        codes = self.head(seen)
        if self.settings.codes == "head":
            return codes
        return torch.cat([normalize(codes, dim=-1), normalize(seen, dim=-1)], dim=-1)

    def prepared(self, tokens: Tensor) -> Tensor:
        """What the head and the correlations see of tokens float [..., P, C], in the same shape."""
        return tokens if self.centring is None else self.centring(tokens)


def save_model(model: Model, path: Path) -> None:
    """Write weights, settings, number of channels and origin to a safetensors file, atomically."""
    about = {
        "settings": model.settings.model_dump(),
        "channels": model.channels,
        "made_from": dict(model.made_from),
    }
    weights = {
        name: weight.detach().cpu().contiguous().numpy() for name, weight in model.state_dict().items()
    }
    save_sealed(weights, path, MODEL, about)


def load_model(path: Path, channels: int | None = None) -> Model:
    """Load a model, in evaluation mode and on the CPU.

    Args:
        path: file written by `save_model`.
        channels: expected number of channels C of the tokens; None: not checked.

    Raises:
        DepthGError: the file is missing or damaged, not written by `save_model`, or for another number of channels.
    """
    if not path.is_file():
        raise DepthGError(f"{path}: does not exist: make it with `snakemake --cores 2 {path}`")
    try:
        stored, about = load_sealed(path, MODEL)
        weights = {name: torch.from_numpy(values) for name, values in stored.items()}
        centroids = weights.get("codebook.centroids")
        clusters = None if centroids is None else len(centroids)
        model = Model(TrainSettings(**about["settings"]), about["channels"], clusters)
        model.load_state_dict(weights)
        model.made_from, model.digest = about.get("made_from", {}), about.get("digest")
    except (SafetensorError, KeyError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise DepthGError(f"{path}: not a model of depthg ({reason}): train it again") from None
    if channels not in (None, model.channels):
        raise DepthGError(
            f"{path}: trained on features of {model.channels} channels, not {channels}: use its own backbone"
        )
    return model.eval()
