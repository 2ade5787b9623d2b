"""The model of config.yaml, and how it resolves to the settings of an experiment.

`Config.resolve(dataset, experiment)` merges defaults ← preset ← dataset ← experiment into one flat `Settings`
(depthg.config.settings). An experiment's name may be followed by overrides: `ours+samples=9+terms.depth.weight=0.3` is
`ours` with two settings changed, so that an ablation needs no entry in config.yaml.
"""

import re
from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, model_validator

from depthg.config.base import Model, Positive
from depthg.config.grid import tokens_along
from depthg.config.layers import Layer, check_keys, flatten, merge, overrides
from depthg.config.sections import SOURCES, Backbone, Dataset, DepthSource, Table
from depthg.config.settings import GeometrySettings, ScheduleSettings, Settings
from depthg.config.validation import validated
from depthg.errors import DepthGError, unknown

PLAIN = r"\w[\w.-]{0,99}"  # names that are safe as a folder, in a target, in a command


class Config(Model):
    """The top level of config.yaml."""

    preset: str = Field("paper", description="preset of data sets that name none: a name under presets")
    presets: dict[str, dict[str, Any]] = Field({"paper": {}}, description="name → settings over the defaults")
    datasets: dict[str, Dataset] = Field({}, description="name → data set")
    backbones: dict[str, Backbone] = Field({}, description="name → frozen backbone")
    depth_sources: dict[str, DepthSource] = Field({}, description="name → depth network, or folder of maps")
    geometries: dict[str, GeometrySettings] = Field(
        {"default": GeometrySettings()}, description="name → how depth is unprojected to 3-D points"
    )
    experiments: dict[str, dict[str, Any]] = Field({}, description="name → settings of the experiment")
    compared: list[str] = Field([], description="experiments shown in scores.md and comparison.png")
    tables: dict[str, Table] = Field({}, description="name → table of results")
    dataset: str | None = Field(None, description="data set to make the tables for; none: each table's own")
    settings: dict[str, Any] = Field({}, description="settings of all experiments, over all other layers")
    parts: Positive = Field(
        1, description="jobs per store of crops, depth or features, each writing one part"
    )
    gpus: Positive | None = Field(
        None, description="GPU jobs at a time; none: one per GPU, or without GPUs as many as cores allow"
    )
    teacher: str | None = Field(None, description="target demo_backbone: path of weights of timm's resnet50")

    def resolve(self, dataset: str, experiment: str | None = None) -> Settings:
        """The settings of one experiment on one data set.

        Args:
            dataset: a name under datasets.
            experiment: a name under experiments, with `+key=value` overrides; None: only the settings that all
                experiments on the data set share.

        Raises:
            DepthGError: an unknown name or key (suggests the most similar valid one), or a value out of range.

        Example:
            >>> config = load_config({"datasets": {"mine": {}}, "experiments": {"ours": {"sampling": "fps"}},
            ...     "backbones": {"dino_vits8": {"model": "vit_small_patch8_224"}},
            ...     "depth_sources": {"zoedepth": {"source": "network"}}})
            >>> config.resolve("mine", "ours+samples=9").samples
            9
        """
        merged: dict[str, Any] = Settings().model_dump()
        for where, layer in self.layers(dataset, experiment):
            check_keys(where, layer)
            merged = merge(merged, layer)
        settings = validated(Settings, merged, f"{dataset}/{experiment or 'settings'}")
        self.named("depth_source", settings.depth)
        network, geometry = self.network(settings.backbone), self.named("geometry", settings.geometry)
        if experiment is not None and settings.steps:
            _check_samples(settings, network)
            _check_order(settings, geometry)
        if experiment is not None and settings.training_crops == "scheduled":
            self._check_schedule(dataset, settings)
        return settings

    def _check_schedule(self, dataset: str, own: Settings) -> None:
        """Check that an experiment only draws crops that were scheduled from the settings of its data set."""
        if self.named("backbone", own.backbone).of:
            raise DepthGError(
                f"training_crops: scheduled crops are chosen before backbone {own.backbone} can be projected: "
                "set training_crops to all, or choose a backbone of its own"
            )
        shared = self.resolve(dataset)
        drawn, planned = own.slice(ScheduleSettings), shared.slice(ScheduleSettings)
        fits = set(drawn.seeds) <= set(planned.seeds) and drawn.batches <= planned.batches
        fits &= own.backbone == shared.backbone
        for key in ("batch", "neighbors", "depth_pairs"):
            fits &= getattr(drawn, key) == getattr(planned, key) or not own.steps
        if not fits:
            raise DepthGError(
                "training_crops: scheduled crops are those that backbone, steps, batch, neighbors, depth_pairs and "
                f"seeds of datasets: {dataset}: settings draw: set these there, or training_crops to all"
            )

    def layers(self, dataset: str, experiment: str | None = None) -> list[Layer]:
        """The layers of settings over the defaults, in ascending order of precedence.

        Raises:
            DepthGError: an unknown name, or overrides in the experiment's name that `overrides` refuses.
        """
        of = self.named("dataset", dataset)
        preset = self.preset_of(dataset)
        layers: list[Layer] = [
            (f"presets: {preset}", self.named("preset", preset)),
            (f"datasets: {dataset}: settings", of.settings),
        ]
        base, *changes = (experiment or "").split("+")
        if base:
            layers += [
                (f"experiments: {base}", self.named("experiment", base)),
                (f"datasets: {dataset}: experiments: {base}", of.experiments.get(base, {})),
            ]
        layers.append(("settings", self.settings))
        return [*layers, *overrides(changes, experiment or "")]

    def origins(self, dataset: str, experiment: str) -> dict[str, str]:
        """Dotted key → where the value of this setting was written; settings at their defaults are left out."""
        layers = self.layers(dataset, experiment)
        return {key: where for where, layer in layers for key in flatten(layer)}

    def network(self, backbone: str) -> Backbone:
        """The entry with the timm model of a backbone: for projected features, that of the backbone in `of`."""
        found = self.named("backbone", backbone)
        return self.named("backbone", found.of) if found.of else found

    def stored_backbones(self, backbone: str) -> list[str]:
        """The backbones whose features are stored for one: itself, and before it the one that it projects."""
        of = self.named("backbone", backbone).of
        return [of, backbone] if of else [backbone]

    def expect_attention(self, backbone: str) -> None:
        """Check that a backbone has attention maps (for `lhp: attention`), before anything runs.

        Raises:
            DepthGError: it has none.
        """
        if not self.named("backbone", backbone).has_attention:
            raise DepthGError(
                f"backbone {backbone}: lhp: attention needs a plain ViT of timm: "
                "set lhp to depth or none, or choose another backbone"
            )

    def preset_of(self, dataset: str) -> str:
        """Name of the preset that applies to a data set."""
        return self.named("dataset", dataset).preset or self.preset

    @model_validator(mode="after")
    def _names_are_plain(self) -> Self:
        """Names become folders, targets of Snakemake and words of a command."""
        for section in ("datasets", "backbones", "depth_sources", "geometries", "experiments", "tables"):
            for name in getattr(self, section):
                if not re.fullmatch(PLAIN, name):
                    raise DepthGError(
                        f"config.yaml: {section}: {name!r}: a name has up to 100 letters, digits and . _ - and "
                        "begins with a letter or digit: choose another (the folder of the images may have any name)"
                    )
        return self

    @model_validator(mode="before")
    @classmethod
    def _keep_default_geometry(cls, content: Any) -> Any:
        geometries = content.get("geometries") if isinstance(content, Mapping) else None
        return content | {"geometries": {"default": {}} | geometries} if geometries else content

    @model_validator(mode="after")
    def _experiments_exist(self) -> Self:
        """A misspelt name would be read by nobody, or be missed only when its job runs."""
        changed = {"compared": self.compared}  # whose names may have changes in them
        for name, table in self.tables.items():
            rows = [row.experiment for row in table.rows if row.experiment]
            changed[f"tables: {name}"] = [table.reference, *rows]
        used = [(where, name, name.split("+")[0]) for where, names in changed.items() for name in names]
        for name, dataset in self.datasets.items():
            used += [(f"datasets: {name}: experiments", own, own) for own in dataset.experiments]
        for where, name, base in used:
            if base not in self.experiments:
                raise unknown("experiment", name, self.experiments, f"config.yaml: {where}")
        return self

    @model_validator(mode="after")
    def _depth_sources_exist(self) -> Self:
        for name, entry in self.depth_sources.items():
            if entry.source not in SOURCES:
                raise unknown("source", entry.source, SOURCES, f"config.yaml: depth_sources: {name}")
        return self

    def named(self, kind: str, name: str) -> Any:
        """The entry `name` of a kind: dataset, backbone, depth_source, geometry, preset, experiment or table.

        Raises:
            DepthGError: there is no such entry; suggests the most similar name.
        """
        table = getattr(self, "geometries" if kind == "geometry" else f"{kind}s")
        if name not in table:
            raise unknown(kind, name, table)
        return table[name]


def _check_samples(settings: Settings, backbone: Backbone) -> None:
    """Check that a crop has at least N² tokens; skipped if the backbone's stride is unknown."""
    side = tokens_along(settings.size, backbone)
    if side is None or settings.sampling in ("full", "continuous"):
        return
    if settings.samples > side:
        raise DepthGError(
            f"samples: {settings.samples}² tokens of a crop, but {settings.size} px make {side}×{side} at "
            f"{backbone.stride} px a token: set samples to at most {side}, or make larger crops (size)"
        )


def _check_order(settings: Settings, geometry: GeometrySettings) -> None:
    """Check that the farthest-point order is at least N² tokens long."""
    if settings.sampling == "fps" and settings.samples**2 > geometry.order_length:
        raise DepthGError(
            f"samples: {settings.samples}² is more than order_length {geometry.order_length} of "
            f"geometries: {settings.geometry}: lower samples, or raise order_length"
        )
