"""Settings of what is made of the codes: clusters, probes, scores."""

from typing import Annotated

from pydantic import Field

from depthg.config.base import Model, Positive


class ClusterSettings(Model):
    """Codes → cluster centroids and linear probe."""

    clusters: Positive | None = Field(None, description="clusters; none: as many as classes")
    cluster_samples: Positive = Field(100_000, description="codes k-means is fitted on")
    cluster_restarts: Positive = Field(5, description="k-means starts, of which the best is kept")
    linear_steps: int = Field(500, ge=0, description="Adam steps of the linear probe")
    linear_batch: Positive = Field(32, description="crops a step of the linear probe")
    linear_rate: Annotated[float, Field(gt=0)] = Field(5e-3, description="its learning rate")


class EvaluateSettings(Model):
    """Validation crops → scores and pictures."""

    crf: bool = Field(True, description="refine predictions with a dense CRF as well")
    pictures: int = Field(6, ge=0, description="validation images shown in the figure")
