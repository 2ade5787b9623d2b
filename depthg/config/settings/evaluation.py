"""Settings of clustering, linear probe and evaluation."""

from typing import Annotated, Literal

from pydantic import Field

from depthg.config.base import Model, Positive, added


class ClusterSettings(Model):
    """Codes → cluster centroids and linear probe."""

    clusters: Positive | None = Field(None, description="number of clusters; none: as many as classes")
    cluster_samples: Positive = Field(100_000, description="number of codes that k-means is fitted on")
    cluster_restarts: Positive = Field(5, description="runs of k-means, of which the best is kept")
    linear_steps: int = Field(500, ge=0, description="Adam steps of the linear probe")
    linear_batch: Positive = Field(32, description="crops per step of the linear probe")
    linear_rate: Annotated[float, Field(gt=0)] = Field(5e-3, description="learning rate of the linear probe")


class EvaluateSettings(Model):
    """Validation crops → scores and pictures."""

    flip: bool = added(
        False,
        "average the codes of an image with those of its mirror image, mirrored back, before the probes",
    )
    enlarged: Literal["logits", "codes", "guided"] = added(
        "logits",
        "what is enlarged from tokens to pixels: the probes' logits; their input, the codes, as released; "
        "guided: probabilities averaged among tokens of like colour",
    )
    crf: bool = Field(True, description="also score predictions refined by a dense CRF")
    crf_channels: Literal["rgb", "bgr"] = added("rgb", "order of colours that the CRF sees; bgr as released")
    surplus_clusters: Literal["wrong", "left_out"] = added(
        "wrong", "pixels of clusters beyond the number of classes: errors; left_out of the scores as released"
    )
    matching: Literal["validation", "train"] = added(
        "validation",
        "labels by which clusters get their classes: those that are scored, as is usual; "
        "train: scores by the labels of training crops besides",
    )
    pictures: int = Field(6, ge=0, description="number of validation images shown in the figure")
