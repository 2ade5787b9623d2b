"""Sections of config.yaml: data sets, backbones, depth sources, tables."""

import re
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from depthg.config.base import Fraction, Model, Positive

Stored = Literal["float16", "int8"]
Score = Literal["acc", "miou", "lin_acc", "lin_miou"]

# What timm calls vision transformers whose last block is more than queries and keys: rotated, relative, parallel …
OTHER_VIT = re.compile(r"dinov3|rope|relpos|lingbot|sapiens|_pe_|_xp_|18x2|[dp]wee|dlittle")


class Dataset(Model):
    """A data set: where its images lie and how they are read."""

    kind: str = Field("folder", description="loader, a name in depthg.data.KINDS")
    root: str | None = Field(None, description="folder of the images; default resources/<name>/source")
    needs: dict[str, str] = Field(
        {}, description="what must be under root besides that of its kind: path → what it is"
    )
    on_bad_image: Literal["skip", "error"] = Field("error", description="a file that cannot be decoded")
    val_fraction: Fraction = Field(0.2, description="share of validation images of an unsplit folder")
    n_train: Positive | None = Field(None, description="demo: images rendered for training")
    n_val: Positive | None = Field(None, description="demo: images rendered for validation")
    preset: str | None = Field(None, description="a name under presets; none: the file's `preset`")
    settings: dict[str, Any] = Field({}, description="settings for every experiment on this data set")
    experiments: dict[str, dict[str, Any]] = Field({}, description="settings for one experiment on it")


class Backbone(Model):
    """A frozen feature extractor: a timm model and its weights, or another one's features in fewer channels."""

    model: str = Field("", description="timm architecture")
    args: dict[str, Any] = Field({}, description="arguments for timm.create_model")
    weights: str | None = Field(None, description="file of weights; none: the timm hub's for `model`")
    of: str | None = Field(None, description="backbone whose features are projected; in place of `model`")
    channels: Positive | None = Field(None, description="principal axes they are projected on")
    stored: Stored = Field(
        "float16",
        description="dtype of tokens in the store; int8, with a scale per token, takes half the disk",
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if bool(self.model) == bool(self.of) or bool(self.of) != bool(self.channels):
            raise ValueError("give either `model`, or `of` and `channels`")
        return self

    @property
    def stride(self) -> int | None:
        """Pixels per token, from the arguments or the model's name; None where neither says."""
        given = self.args.get("patch_size") or self.args.get("output_stride")
        named = re.search(r"patch(\d+)", self.model)
        return given or (int(named[1]) if named else None)

    @property
    def has_attention(self) -> bool:
        """Whether timm's name is that of a plain vision transformer; to import timm takes seconds."""
        return self.model.startswith("vit_") and not OTHER_VIT.search(self.model)


class DepthSource(Model):
    """Where depth maps come from."""

    source: str = Field(description="a name in depthg.stages.depth.DEPTH_SOURCES")
    model: str | None = Field(None, description="network: hub id, local folder or file")
    predict_on: Literal["crop", "image"] = Field(
        "crop",
        description="network: what it is shown; of an image's map, 8 bits are kept, then it is cropped",
    )
    name: str | None = Field(None, description="files: the folder <root>/depth/<name>")
    larger: Literal["farther", "nearer"] | None = Field(None, description="files: what a larger value means")


class Row(Model):
    """A row of a table of results: the figures of the paper, and our experiment beside them."""

    system: str = Field(description="as the paper calls it")
    elsewhere: str | None = Field(None, description="its name on another data set; none: the same")
    backbone: str | None = Field(None, description="as the paper calls it")
    experiment: str | None = Field(None, description="ours, changes allowed; none: only quoted by the paper")
    paper: dict[Score, float] = Field({}, description="percent")
    note: str | None = Field(None, description="what a reader must know of the published figures")


class Table(Model):
    """A table of results, of the paper's data set or, with `--config dataset=…`, of another."""

    title: str
    dataset: str = Field(description="a name under datasets")
    reference: str = Field(description="experiment that the others are held against on another data set")
    rows: list[Row] = []

    @property
    def has_paper_figures(self) -> bool:
        """Whether the paper has figures for it."""
        return any(row.paper for row in self.rows)
