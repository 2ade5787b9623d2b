"""The configuration: one model of everything config.yaml may say, and how layers of it become settings.

`Config.resolve(dataset, experiment)` merges defaults ← preset ← dataset ← experiment into one flat `Settings`;
every stage takes the slice of it that it depends on (`settings.slice(TrainSettings)`). A slice travels on the
command line of its stage, is part of the artifact's fingerprint, and is what Snakemake watches: an artifact is
made again exactly when its own slice, or an input, changes.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from depthg.errors import DepthGError, unknown

Positive = Annotated[int, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Weight = Annotated[float, Field(ge=0)]
M = TypeVar("M", bound=BaseModel)


class Model(BaseModel):
    """Base of all parts of the configuration: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


# ---------------------------------------------------------------- what the named things are


class Dataset(Model):
    """A data set: where its images lie and how they are read."""

    kind: str = Field("folder", description="loader, a name in depthg.datasets.KINDS")
    root: str | None = Field(None, description="folder of the images; default resources/<name>/source")
    needs: dict[str, str] = Field(
        {}, description="what must be under root besides that of its kind: path → what it is"
    )
    on_bad_image: Literal["skip", "error"] = Field("error", description="a file that cannot be decoded")
    val_fraction: Fraction = Field(0.2, description="share of validation images of an unsplit folder")
    n_train: Positive | None = Field(None, description="demo: images rendered for training")
    n_val: Positive | None = Field(None, description="demo: images rendered for validation")
    settings: dict[str, Any] = Field({}, description="settings for every experiment on this data set")
    experiments: dict[str, dict[str, Any]] = Field({}, description="settings for one experiment on it")


class Backbone(Model):
    """A frozen feature extractor: a timm model and its weights."""

    model: str = Field(description="timm architecture")
    args: dict[str, Any] = Field({}, description="arguments for timm.create_model")
    weights: str | None = Field(None, description="file of weights; none: the timm hub's for `model`")


class DepthSource(Model):
    """Where depth maps come from."""

    source: str = Field(description="a name in depthg.depth.SOURCES")
    model: str | None = Field(None, description="network: hub id or local folder")
    name: str | None = Field(None, description="files: the folder <root>/depth/<name>")
    larger: Literal["farther", "nearer"] | None = Field(None, description="files: what a larger value means")


class Term(Model):
    """One correlation term of the loss: weight λ and shift b (Eq. 2, Eq. 6)."""

    weight: Weight
    shift: float


# ---------------------------------------------------------------- settings, stage by stage


class CropSettings(Model):
    """Images → square crops."""

    five_crop: bool = Field(True, description="cut every training image into corners and centre (Sec. 4.1)")
    size: Positive = Field(224, description="side of a training crop, pixels")
    eval_size: Positive = Field(320, description="side of a validation crop, pixels")


class NeighborSettings(Model):
    """Crops → their nearest crops by mean feature."""

    keep: Positive = Field(30, description="neighbours kept for each crop")


class GeometrySettings(Model):
    """Depth → points, farthest-point order, 3-D neighbours (Sec. 3.4, 3.6)."""

    field_of_view: Annotated[float, Field(gt=0, lt=180)] = Field(90.0, description="of the camera, degrees")
    near: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.1, description="distance of the nearest token as a share of the farthest's"
    )
    order_length: Positive = Field(144, description="farthest points kept for each crop")
    lhp_neighbors: Positive = Field(8, description="3-D neighbours of a token")


class TrainSettings(Model):
    """Tokens → segmentation head."""

    head: Literal["segmentation", "identity"] = Field("segmentation", description="depthg.models.HEADS")
    code_dim: Positive = Field(70, description="Q, channels of the code")
    dropout: Fraction = 0.1
    steps: int = Field(2334, ge=0, description="batches")
    batch: Annotated[int, Field(ge=2)] = 32
    learning_rate: Annotated[float, Field(gt=0)] = 5e-4
    samples: Positive = Field(11, description="N: N² tokens are sampled from a crop")
    sampling: Literal["random", "fps", "full"] = Field(
        "random", description="which tokens of a crop: depthg.training.batches.SAMPLERS"
    )
    centring: bool = Field(True, description="spatial centring of the feature correlation")
    negatives: Positive = Field(5, description="random other crops an anchor is held against")
    neighbors: Positive = Field(7, description="the neighbour is drawn from ranks 1 … this")
    terms: dict[Literal["self", "knn", "random", "depth"], Term] = Field(
        {
            "self": Term(weight=0.58, shift=0.07),
            "knn": Term(weight=0.36, shift=0.025),
            "random": Term(weight=0.70, shift=0.761),
            "depth": Term(weight=0.19, shift=0.03),
        },
        description="weight λ and shift b of each correlation term",
    )
    depth_loss: Literal["none", "product"] = Field(
        "none", description="depth correlation: depthg.losses.depth.KERNELS"
    )
    depth_decay: Annotated[float, Field(gt=0, le=1)] = Field(0.6, description="γ of the guidance schedule")
    depth_every: Positive = Field(250, description="T: batches between two decays")
    lhp: Literal["none", "depth"] = Field("none", description="local hidden positives (Sec. 3.6)")
    lhp_weight: Weight = Field(0.2, description="λ_LHP")

    @property
    def needs_geometry(self) -> bool:
        """Whether training reads the geometry store."""
        return self.sampling == "fps" or self.depth_loss != "none" or self.lhp == "depth"


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


SHARED = (CropSettings, NeighborSettings, GeometrySettings)


class Settings(  # pydantic lists the fields of the last base first: read upwards, this is the data flow
    EvaluateSettings, ClusterSettings, TrainSettings, GeometrySettings, NeighborSettings, CropSettings
):
    """Everything one experiment on one data set depends on."""

    backbone: str = Field("dino_vits8", description="a name under backbones")
    depth: str = Field("zoedepth", description="a name under depth_sources")
    seeds: list[int] = Field([0], min_length=1, description="one training run each")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.neighbors > self.keep:
            raise ValueError(f"neighbors: ranks 1 … {self.neighbors} but only {self.keep} are kept (keep)")
        if self.sampling == "fps" and self.samples**2 > self.order_length:
            raise ValueError(f"samples: {self.samples}² is more than order_length {self.order_length}")
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("seeds: each only once")
        return self

    def slice(self, part: type[M]) -> M:
        """The settings that one stage depends on."""
        return part(**{name: getattr(self, name) for name in part.model_fields})


# ---------------------------------------------------------------- the whole file


class Config(Model):
    """The whole of config.yaml."""

    preset: str = Field("paper", description="a name under presets")
    presets: dict[str, dict[str, Any]] = {"paper": {}}
    datasets: dict[str, Dataset] = {}
    backbones: dict[str, Backbone] = {}
    depth_sources: dict[str, DepthSource] = {}
    experiments: dict[str, dict[str, Any]] = {}
    settings: dict[str, Any] = Field({}, description="settings for everything, over all other layers")
    gpus: Positive = Field(1, description="jobs that use a GPU at the same time")
    teacher: str | None = Field(None, description="target demo_backbone: weights of timm's resnet50")

    def resolve(self, dataset: str, experiment: str | None = None) -> Settings:
        """The settings of one experiment on one data set, or those that all experiments on it share.

        Raises:
            DepthGError: an unknown name or key, or a value out of range; names the nearest valid one.
        """
        of = self.named("dataset", dataset)
        shared = {
            f"presets: {self.preset}": self.named("preset", self.preset),
            f"datasets: {dataset}: settings": of.settings,
            "settings": self.settings,
        }
        own = {}
        if experiment is not None:
            own[f"experiments: {experiment}"] = self.named("experiment", experiment)
            own[f"datasets: {dataset}: experiments: {experiment}"] = of.experiments.get(experiment, {})
        merged: dict[str, Any] = Settings().model_dump()
        for where, layer in (shared | own).items():
            _check_keys(where, layer, shared=where in shared)
            merged = _merge(merged, layer)
        # The command line's `settings` speak last, over the experiment's own.
        settings = _validated(
            Settings, _merge(merged, self.settings), f"{dataset}/{experiment or 'settings'}"
        )
        self.named("backbone", settings.backbone)
        self.named("depth_source", settings.depth)
        return settings

    def named(self, kind: str, name: str) -> Any:
        """What `name` stands for in the table of its kind (dataset, backbone, depth_source, experiment, preset)."""
        table = getattr(self, f"{kind}s")
        if name not in table:
            raise unknown(kind, name, table)
        return table[name]


def _check_keys(where: str, layer: Mapping[str, Any], shared: bool) -> None:
    """Refuse keys that do not exist, and in an experiment those that shape what all experiments share."""
    for key in layer:
        if key not in Settings.model_fields:
            raise unknown("setting", key, Settings.model_fields, f"config.yaml: {where}")
        owner = next((part for part in SHARED if key in part.model_fields), None)
        if owner and not shared:
            raise DepthGError(
                f"config.yaml: {where}: '{key}' shapes artifacts that all experiments share: "
                "set it under datasets: <name>: settings"
            )


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one mapping over another, key by key and into nested mappings."""
    merged = dict(below)
    for key, value in above.items():
        nested = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merge(merged[key], value) if nested else value
    return merged


def _validated(model: type[M], content: Any, where: str) -> M:
    """Build a model, turning pydantic's report into one line that names the key and the remedy."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            owner = _owner(model, first["loc"][:-1])
            place = ".".join([where, *map(str, first["loc"][:-1])])
            raise unknown("key", str(first["loc"][-1]), owner, place) from None
        reason = first["msg"].removeprefix("Value error, ")
        got = f", got {first['input']!r}" if first["loc"] else ""
        raise DepthGError(f"{where}: {key + ': ' if key else ''}{reason}{got}") from None


def _owner(model: Any, path: tuple[int | str, ...]) -> list[str]:
    """The valid keys of the (nested) model at a path of an error."""
    for part in path:
        field = getattr(model, "model_fields", {}).get(part)
        annotation = field.annotation if field else model
        inner = getattr(annotation, "__args__", None)
        model = inner[-1] if inner else annotation
    return list(getattr(model, "model_fields", {}))


def load(content: Mapping[str, Any] | Path) -> Config:
    """The configuration from Snakemake's merged mapping or from a YAML file.

    Raises:
        DepthGError: the file is missing or not YAML, a key is unknown, or a value is out of range.
    """
    if isinstance(content, Mapping):
        return _validated(Config, content, "config.yaml")
    try:
        return _validated(Config, yaml.safe_load(content.read_text()) or {}, str(content))
    except OSError as error:
        raise DepthGError(f"{content}: {error.strerror}: give the configuration with --config") from None
    except yaml.YAMLError as error:
        raise DepthGError(f"{content}: not YAML: {' '.join(str(error).split())}") from None


def parse(model: type[M], text: str) -> M:
    """A stage's settings from the command line: JSON, or the path of a YAML file.

    Raises:
        DepthGError: neither, or not what the stage takes.
    """
    content = json.loads(text) if text.startswith("{") else yaml.safe_load(Path(text).read_text())
    return _validated(model, content, "--settings")
