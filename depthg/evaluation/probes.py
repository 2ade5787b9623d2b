"""The cluster and linear probe of a trained head: fit on training crops, save, load, apply to codes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor
from torch.nn import functional

from depthg.config.settings import ClusterSettings
from depthg.data.classes import read_classes
from depthg.errors import DepthGError
from depthg.evaluation.clustering import fit_centroids, sample_codes
from depthg.evaluation.codes import CodeReader, open_reader, open_split
from depthg.evaluation.linear import Linear, fit_linear
from depthg.models.sealed import PROBES, load_sealed, save_sealed

SHARPNESS = 2.0  # cluster logits are this times the cosine (STEGO); the CRF depends on it


@dataclass(frozen=True)
class Probes:
    """Unit centroids float32 [n, Q] of the cluster probe, and the linear probe, or None without labels.

    `made_from` holds the settings and the digests of what they were fitted on, and their own `digest`; {} if not known.
    """

    centroids: Tensor
    linear: Linear | None
    made_from: Mapping[str, Any] = field(default_factory=dict)

    def to(self, where: torch.device) -> "Probes":
        """The probes on a device."""
        linear = self.linear and Linear(*(values.to(where) for values in self.linear))
        return Probes(self.centroids.to(where), linear, self.made_from)

    def logits(self, codes: Tensor) -> dict[str, Tensor]:
        """Apply the probes to codes float32 […, Q] on their device.

        Returns:
            `unsupervised`, logits of the cluster probe float32 […, n], and `linear`, […, K], if there is one.

        Raises:
            DepthGError: the probes were fitted on codes with another number of channels.
        """
        if codes.shape[-1] != self.centroids.shape[-1]:
            raise DepthGError(
                f"the probes are for codes of {self.centroids.shape[-1]} channels and the head makes "
                f"{codes.shape[-1]}: fit the probes again"
            )
        logits = {"unsupervised": SHARPNESS * functional.normalize(codes, dim=-1) @ self.centroids.T}
        return logits if self.linear is None else logits | {"linear": functional.linear(codes, *self.linear)}

    def save(self, path: Path, provenance: dict) -> None:
        """Write `centroids`, `linear.weight` and `linear.bias` as safetensors, with `provenance` as metadata."""
        tensors = {"centroids": self.centroids}
        if self.linear is not None:
            tensors |= {"linear.weight": self.linear.weight, "linear.bias": self.linear.bias}
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
        save_sealed(arrays, path, PROBES, provenance)


def load_probes(path: Path) -> Probes:
    """Load probes.safetensors.

    Raises:
        DepthGError: the file is missing or damaged, or does not hold probes.
    """
    try:
        stored, made_from = load_sealed(path, PROBES)
        tensors = {name: torch.from_numpy(values) for name, values in stored.items()}
        linear = Linear(tensors["linear.weight"], tensors["linear.bias"]) if len(tensors) > 1 else None
        return Probes(tensors["centroids"], linear, made_from)
    except (OSError, SafetensorError, KeyError, ValueError):
        raise DepthGError(f"{path}: missing or not a file of probes: `snakemake --cores 2 {path}`") from None


def fit_probes(
    features: Path, crops: Path, classes: Path, model: Path, out: Path, settings: ClusterSettings, seed: int
) -> None:
    """Fit the cluster probe and, given labels, the linear probe on the training crops; write them to a file.

    Args:
        features: feature store of the training split.
        crops: crop store of the training split, read for its labels.
        classes: classes.csv.
        model: trained head, model.safetensors.
        out: file to write, probes.safetensors.
        settings: settings of both probes.
        seed: seed of the sampled codes, of k-means and of the linear probe's batches.

    Raises:
        DepthGError: the number of clusters is unknown, as there are no classes and `clusters` is not set.
    """
    feature_store, crop_store = open_split(features, crops)
    count = len(read_classes(classes))
    clusters = settings.clusters or count
    if not clusters:
        raise DepthGError(f"{classes}: no classes, so the number of clusters is open: set `clusters`")
    reader = open_reader(feature_store, model, trained_on=True)
    centroids, linear = _centroids(reader, clusters, settings, seed), None
    if count and settings.linear_steps:
        linear = fit_linear(
            reader,
            crop_store,
            count,
            steps=settings.linear_steps,
            batch=settings.linear_batch,
            rate=settings.linear_rate,
            seed=seed,
        )
    provenance = {
        "settings": settings.model_dump(),
        "seed": seed,
        "features": feature_store.fingerprint,
        "model": getattr(reader.head, "digest", None),
    }
    Probes(centroids, linear).save(out, provenance)


def _centroids(reader: CodeReader, clusters: int, settings: ClusterSettings, seed: int) -> Tensor:
    """Unit centroids float32 [clusters, Q]: the codebook trained with the head, or k-means on its codes."""
    codebook = getattr(reader.head, "codebook", None)
    if codebook is not None:
        return codebook.unit().detach().cpu().contiguous()
    sample = sample_codes(reader, settings.cluster_samples, seed)
    return torch.from_numpy(fit_centroids(sample, clusters, settings.cluster_restarts, seed))
