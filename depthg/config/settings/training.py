"""Settings of the training: objective, sampling, correlation losses.

`as released` marks an alternative that is in the authors' released code but not in the paper; the preset `released`
selects all of them (docs/reproduction.md).
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from depthg.config.base import Fraction, Model, Positive, Weight, added


class Term(Model):
    """One correlation term of the loss: weight λ and shift b (Eq. 2, Eq. 6)."""

    weight: Weight = Field(description="λ, factor of the term in the loss; at least 0")
    shift: float = Field(description="b, subtracted from the correlation of the target")


class PoolSettings(Model):
    """Hidden positives (Seong et al., CVPR 2023): reference pools and the contrastive loss."""

    temperature: Annotated[float, Field(gt=0)] = Field(0.8, description="τ of the contrastive loss, above 0")
    consistency: Weight = Field(0.05, description="α, weight of the photometric view's loss; 0: no view")
    negatives_kept: Annotated[float, Field(gt=0, le=1)] = Field(
        0.02, description="ρ, share of negatives kept, in (0, 1]"
    )
    pool: Positive = Field(2048, description="number of references in each pool")
    renew: Positive = Field(100, description="steps between two updates of the pool of codes")
    ema: Fraction = Field(0.99, description="momentum of the averaged head that fills the pool of codes")
    warm_up: int = Field(1000, ge=0, description="steps before positives are also chosen by code")


class DrawSettings(Model):
    """Which crops a training run draws."""

    steps: int = Field(2334, ge=0, description="length of the training, in the unit step_unit")
    step_unit: Literal["batches", "optimizers"] = Field(
        "batches", description="unit of steps; optimizers as released: a batch counts 3, one per optimizer"
    )
    batch: Annotated[int, Field(ge=2)] = Field(32, description="crops per batch, at least 2")
    neighbors: Positive = Field(7, description="k: the neighbour of a crop is drawn from its k nearest")
    depth_pairs: Literal["crop", "sibling"] = Field(
        "crop", description="whose depths are correlated: tokens of a crop, or of two crops of an image"
    )

    @property
    def batches(self) -> int:
        """Number of batches to train on."""
        return self.steps if self.step_unit == "batches" else -(-self.steps // 3)


class ScheduleSettings(DrawSettings):
    """Which crops the training runs of all seeds draw."""

    seeds: list[int] = Field(description="random seeds, one training run each")


class TrainSettings(DrawSettings):
    """Tokens → segmentation head."""

    # what is trained
    objective: Literal["correlation", "hidden_positives"] = Field(
        "correlation", description="loss that is minimised: depthg.training.objective.OBJECTIVES"
    )
    head: Literal["segmentation", "identity"] = Field(
        "segmentation", description="what is trained on the tokens: depthg.models.heads.HEADS"
    )
    code_dim: Positive = Field(70, description="Q, number of channels of a code")
    tokens: Literal["raw", "centred"] = added(
        "raw", "what the head and the correlations see: tokens, or tokens less the mean of the data set's"
    )
    codes: Literal["head", "joined"] = added(
        "head", "what is clustered: the head's codes; joined: these and the tokens, each scaled to length 1"
    )
    dropout: Fraction = Field(0.1, description="rate of the channel dropout of features, 0 to below 1")
    learning_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        5e-4, description="learning rate, above 0"
    )
    weight_decay: Weight = Field(0.0, description="decoupled weight decay of all trained parameters")
    clip: Annotated[float, Field(gt=0)] | None = Field(None, description="largest gradient norm; none: off")
    selection: Literal["last", "loss", "stability", "labels"] = Field(
        "last", description="weights to keep: depthg.training.selection.CRITERIA; labels as released"
    )
    codebook: bool = Field(
        False, description="learn cluster centroids online, as released, instead of by k-means"
    )
    # what is sampled
    samples: Positive = Field(11, description="N: N² tokens are sampled per crop")
    sample_schedule: Literal["constant", "released"] = Field(
        "constant", description="N as a function of the step: depthg.training.guidance.SAMPLE_SCHEDULES"
    )
    sampling: Literal["random", "fps", "full", "continuous"] = Field(
        "random", description="how places of a crop are sampled: depthg.training.sampling.SAMPLERS"
    )
    reads: Literal["tokens", "bilinear"] = added(
        "tokens", "whole tokens, or between them as released: depthg.training.sampling.READS"
    )
    tokens_at: Literal["samples", "transposed"] = Field(
        "samples", description="feature positions: depthg.training.sampling.TOKENS_AT; transposed as released"
    )
    negatives: Positive = Field(5, description="random crops that each crop is paired with")
    negatives_at: Literal["own", "neighbor"] = added(
        "own",
        "where random crops are read: at their own samples; neighbor as released: at the k-NN neighbour's",
    )
    # what is correlated
    centring: bool = Field(True, description="spatial centring of the feature correlation (STEGO)")
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
        "none", description="kernel of the depth correlation: depthg.losses.depth.KERNELS; none: no such term"
    )
    depth_norm: Literal["none", "channel"] = Field(
        "none", description="normalisation of depth: depthg.losses.depth.NORMS; channel as released"
    )
    depth_centring: bool = Field(False, description="subtract the batch mean of the depth correlation")
    depth_bandwidth: Annotated[float, Field(gt=0)] = Field(
        0.1, description="of similarity and similarity_3d: the distance at which similarity is 1/e"
    )
    depth_at: Literal["samples", "grid"] = Field(
        "samples", description="depth positions: depthg.training.sampling.DEPTH_AT; grid as released"
    )
    depth_decay: Annotated[float, Field(gt=0, le=1)] = Field(0.6, description="γ of the guidance (Sec. 3.5)")
    depth_every: Positive = Field(250, description="T: batches between two decays")
    # local hidden positives
    lhp: Literal["none", "depth", "attention"] = Field(
        "none", description="local hidden positives (Sec. 3.6): neighbours by depth or by attention"
    )
    lhp_weight: Weight = Field(0.2, description="λ_LHP, weight of the loss on mixed codes; at least 0")
    mixing: Literal["neighbors", "released"] = Field(
        "neighbors", description="weights of the mixed codes: depthg.training.lhp.MIXINGS"
    )
    projection: Literal["trained", "untrained"] = Field(
        "trained", description="whether the projection of mixed codes is trained; untrained as released"
    )
    hidden_positives: PoolSettings = Field(PoolSettings(), description="used by objective: hidden_positives")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.objective == "hidden_positives" and self.head == "identity":
            raise ValueError("objective: hidden_positives trains a head: set head to segmentation")
        if self.objective == "hidden_positives" and self.tokens != "raw":
            raise ValueError(
                "objective: hidden_positives compares raw tokens with its pools: set tokens to raw"
            )
        if self.codes == "joined" and (self.codebook or self.head == "identity"):
            raise ValueError(
                "codes: joined needs a trained head and k-means: set head to segmentation, codebook to false"
            )
        if self.objective == "hidden_positives" and self.codebook:
            raise ValueError("codebook: learns beside correlation only: set it to false for hidden_positives")
        if self.objective == "hidden_positives" and (self.between_tokens or self.negatives_at != "own"):
            raise ValueError(
                "objective: hidden_positives reads whole tokens, each once: set reads to tokens, negatives_at to own, "
                "and sampling to random or full"
            )
        return self

    @property
    def between_tokens(self) -> bool:
        """Whether features and codes are read between tokens."""
        return self.reads == "bilinear" or self.sampling == "continuous"

    @property
    def needs_clusters(self) -> bool:
        """Whether training must know the number of clusters."""
        return self.codebook or (self.selection == "stability" and self.steps > 0)

    @property
    def needs_geometry(self) -> bool:
        """Whether training reads the geometry store."""
        return self.sampling == "fps" or self.depth_loss != "none" or self.lhp == "depth"

    @property
    def needs_view(self) -> bool:
        """Whether training reads features of a photometric view."""
        return self.objective == "hidden_positives" and self.hidden_positives.consistency > 0
