"""Settings of the training: what is sampled, what is correlated, what is minimised.

An alternative that only the authors' released code has is marked `as released`; the preset `released` names
them all (docs/reproduction.md).
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from depthg.config.base import Fraction, Model, Positive, Weight


class Term(Model):
    """One correlation term of the loss: weight λ and shift b (Eq. 2, Eq. 6)."""

    weight: Weight
    shift: float


class PoolSettings(Model):
    """Hidden positives (Seong et al., CVPR 2023): pools of references, and the contrast with positives."""

    temperature: Annotated[float, Field(gt=0)] = Field(0.8, description="τ of the contrastive loss")
    consistency: Weight = Field(0.05, description="α, weight of the photometric view; 0: no view is needed")
    negatives_kept: Annotated[float, Field(gt=0, le=1)] = Field(
        0.02, description="ρ, share of negatives kept"
    )
    pool: Positive = Field(2048, description="references in each pool")
    renew: Positive = Field(100, description="steps between two renewals of the pool of codes")
    ema: Fraction = Field(0.99, description="momentum of the head that fills the pool of codes")
    warm_up: int = Field(1000, ge=0, description="steps before positives by code are used")


class DrawSettings(Model):
    """Which crops a training sees."""

    steps: int = Field(2334, ge=0, description="batches, or what step_unit says")
    step_unit: Literal["batches", "optimizers"] = Field(
        "batches", description="what a step is; as released, each of 3 optimizers counts one a batch"
    )
    batch: Annotated[int, Field(ge=2)] = 32
    neighbors: Positive = Field(7, description="the neighbour is drawn from ranks 1 … this")
    depth_pairs: Literal["crop", "sibling"] = Field(
        "crop", description="whose depths are paired: a crop's own, or those of two crops of one image"
    )

    @property
    def batches(self) -> int:
        """Batches to train on."""
        return self.steps if self.step_unit == "batches" else -(-self.steps // 3)


class ScheduleSettings(DrawSettings):
    """Which crops the trainings of all seeds see."""

    seeds: list[int]


class TrainSettings(DrawSettings):
    """Tokens → segmentation head."""

    # what is trained
    objective: Literal["correlation", "hidden_positives"] = Field(
        "correlation", description="what is minimised: depthg.training.objective.OBJECTIVES"
    )
    head: Literal["segmentation", "identity"] = Field("segmentation", description="depthg.models.heads.HEADS")
    code_dim: Positive = Field(70, description="Q, channels of the code")
    dropout: Fraction = 0.1
    learning_rate: Annotated[float, Field(gt=0)] = 5e-4
    weight_decay: Weight = Field(0.0, description="decoupled, of all that is trained")
    clip: Annotated[float, Field(gt=0)] | None = Field(None, description="longest gradient; none: no limit")
    selection: Literal["last", "loss", "labels"] = Field(
        "last", description="which weights are kept: depthg.training.selection.CRITERIA; labels as released"
    )
    codebook: bool = Field(
        False, description="train cluster centroids online beside the head, as released, in place of k-means"
    )
    # what is sampled
    samples: Positive = Field(11, description="N: N² tokens are sampled from a crop")
    sample_schedule: Literal["constant", "released"] = Field(
        "constant", description="N by step: depthg.training.guidance.SAMPLES"
    )
    sampling: Literal["random", "fps", "full"] = Field(
        "random", description="which tokens of a crop: depthg.training.sampling.SAMPLERS"
    )
    tokens_at: Literal["samples", "transposed"] = Field(
        "samples",
        description="where tokens are read: depthg.training.sampling.PLACES; transposed as released",
    )
    negatives: Positive = Field(5, description="random other crops an anchor is held against")
    # what is correlated
    centring: bool = Field(True, description="spatial centring of the feature correlation")
    terms: dict[Literal["self", "knn", "random", "depth"], Term] = Field(
        {
            "self": Term(weight=0.58, shift=0.07),
            "knn": Term(weight=0.36, shift=0.025),
            "random": Term(weight=0.70, shift=0.761),
            "depth": Term(weight=0.19, shift=0.03),
        },
        description="weight λ and shift b of each correlation term",
    )
    depth_loss: Literal["none", "product", "similarity", "similarity_3d"] = Field(
        "none", description="depth correlation: depthg.losses.depth.KERNELS"
    )
    depth_norm: Literal["none", "channel"] = Field(
        "none", description="depth before it is correlated: depthg.losses.depth.NORMS; channel as released"
    )
    depth_centring: bool = Field(
        False, description="take the batch's mean off the depth correlation: it pushes as much as it pulls"
    )
    depth_bandwidth: Annotated[float, Field(gt=0)] = Field(
        0.1, description="similarity kernels: the difference at which similarity has fallen to 1/e"
    )
    depth_at: Literal["samples", "grid"] = Field(
        "samples", description="where depth is read: depthg.training.sampling.DEPTHS; grid as released"
    )
    depth_decay: Annotated[float, Field(gt=0, le=1)] = Field(0.6, description="γ of the guidance schedule")
    depth_every: Positive = Field(250, description="T: batches between two decays")
    # local hidden positives
    lhp: Literal["none", "depth", "attention"] = Field(
        "none", description="local hidden positives (Sec. 3.6): whose neighbours a code is mixed with"
    )
    lhp_weight: Weight = Field(0.2, description="λ_LHP")
    mixing: Literal["neighbors", "released"] = Field(
        "neighbors", description="how codes are mixed: depthg.training.lhp.MIXINGS"
    )
    projection: Literal["trained", "untrained"] = Field(
        "trained", description="whether head P learns; untrained as released"
    )
    hidden_positives: PoolSettings = PoolSettings()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.objective == "hidden_positives" and self.head == "identity":
            raise ValueError("objective: hidden_positives trains a head: set head to segmentation")
        if self.objective == "hidden_positives" and self.codebook:
            raise ValueError("codebook: learns beside correlation only: set it to false for hidden_positives")
        return self

    @property
    def needs_geometry(self) -> bool:
        """Whether training reads the geometry store."""
        return self.sampling == "fps" or self.depth_loss != "none" or self.lhp == "depth"

    @property
    def needs_view(self) -> bool:
        """Whether training reads features of a photometric view."""
        return self.objective == "hidden_positives" and self.hidden_positives.consistency > 0
