"""Sections of config.yaml: data sets, backbones, depth sources, tables."""

import re
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from depthg.config.base import Fraction, Model, Positive, added

Stored = Literal["float16", "int8"]
Score = Literal["acc", "miou", "lin_acc", "lin_miou"]

# timm names of vision transformers whose last block is not plain attention: rotary or relative positions, parallel …
OTHER_VIT = re.compile(r"dinov3|rope|relpos|lingbot|sapiens|_pe_|_xp_|18x2|[dp]wee|dlittle")

# Source of depth, as in depthg.stages.depth.DEPTH_SOURCES → the keys that it requires, and their values.
SOURCES: dict[str, dict[str, str]] = {
    "files": {"name": "the folder under <root>/depth", "larger": "farther or nearer"},
    "kbr": {},
    "transformers": {"model": "a hub id or a folder", "larger": "farther or nearer"},
}
# Sources of 0.1 that are now a `model` of transformers → its default, and the other keys.
FORMER = {
    "depth_anything": ("depth-anything/Depth-Anything-V2-Small-hf", "larger: nearer"),
    "midas": ("Intel/dpt-large", "larger: nearer"),
    "zoedepth": ("Intel/zoedepth-nyu", "larger: farther, mirrored: true"),
}


class Dataset(Model):
    """A data set: where its images are and how they are read."""

    kind: str = Field("folder", description="loader: a name in depthg.data.KINDS")
    root: str | None = Field(
        None, pattern=r"^[^\x00]*$", description="folder of the files; none: resources/<name>/source"
    )
    needs: dict[str, str] = Field(
        {}, description="further files required below root, besides those of the kind: path → what it is"
    )
    on_bad_image: Literal["skip", "error"] = Field("error", description="image that cannot be decoded")
    val_fraction: Fraction = Field(
        0.2, description="share of validation images in an unsplit folder, below 1"
    )
    n_train: Positive | None = Field(None, description="kind demo: number of images rendered for training")
    n_val: Positive | None = Field(None, description="kind demo: number of images rendered for validation")
    preset: str | None = Field(None, description="a name under presets; none: the top-level `preset`")
    settings: dict[str, Any] = Field({}, description="settings of all experiments on this data set")
    experiments: dict[str, dict[str, Any]] = Field({}, description="name → settings on this data set only")


class Backbone(Model):
    """A frozen feature extractor: a timm model and its weights, or a PCA projection of another backbone's features."""

    model: str = Field("", description="name of a timm model")
    args: dict[str, Any] = Field({}, description="further arguments of timm.create_model")
    weights: str | None = Field(None, description="path of the weights; none: those of the hub for `model`")
    of: str | None = Field(None, description="backbone whose features are projected; replaces `model`")
    channels: Positive | None = Field(None, description="with `of`: principal components to project on")
    stored: Stored = Field(
        "float16", description="dtype of tokens on disk; int8, with a scale per token, takes half"
    )
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto",
        description="auto: float16 on a GPU, bfloat16 on a CPU with matrix units (AMX), else float32",
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if bool(self.model) == bool(self.of) or bool(self.of) != bool(self.channels):
            raise ValueError("give either `model`, or `of` and `channels`")
        return self

    @property
    def stride(self) -> int | None:
        """Pixels per token, from the arguments or the model's name; None if neither contains it."""
        given = self.args.get("patch_size") or self.args.get("output_stride")
        named = re.search(r"patch(\d+)", self.model)
        return given or (int(named[1]) if named else None)

    @property
    def has_attention(self) -> bool:
        """Whether the model is a plain vision transformer; judged by its name, as importing timm takes seconds."""
        return self.model.startswith("vit_") and not OTHER_VIT.search(self.model)


class DepthSource(Model):
    """A source of depth maps: a depth network, or files."""

    source: str = Field(description="a name in depthg.stages.depth.DEPTH_SOURCES")
    model: str | None = Field(None, description="of a network: hub id, local folder or file of weights")
    predict_on: Literal["crop", "image"] = Field(
        "crop", description="a network sees each crop, or the whole image; the image's 8-bit map is cropped"
    )
    name: str | None = Field(None, description="of files: the maps are in <root>/depth/<name>")
    larger: Literal["farther", "nearer"] | None = Field(
        None, description="of files and transformers: what larger values mean"
    )
    mirrored: bool = added(
        False, "of transformers: average over each image and its mirror image, as ZoeDepth's code does"
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.source in FORMER:
            model, rest = FORMER[self.source]
            raise ValueError(
                f"source: {self.source} is now {{source: transformers, model: {self.model or model}, {rest}}}"
            )
        for key, values in SOURCES.get(self.source, {}).items():
            if getattr(self, key) is None:
                raise ValueError(f"source: {self.source} needs {key}: {values}")
        return self


class Row(Model):
    """A row of a table of results: scores from the paper, and the experiment that reproduces them."""

    system: str = Field(description="name of the method, as in the paper")
    elsewhere: str | None = Field(None, description="name of the method on another data set; none: the same")
    backbone: str | None = Field(None, description="name of the backbone, as in the paper")
    experiment: str | None = Field(None, description="our experiment; none: only quoted by the paper")
    paper: dict[Score, float] = Field({}, description="scores in the paper, percent")
    note: str | None = Field(None, description="footnote to the scores in the paper")


class Table(Model):
    """A table of results on the data set of the paper or, with `--config dataset=…`, on another one."""

    title: str = Field(description="caption of the table")
    dataset: str = Field(description="a name under datasets")
    reference: str = Field(description="experiment that the others are compared with on another data set")
    rows: list[Row] = Field([], description="rows, in the order of the paper")

    @property
    def has_paper_figures(self) -> bool:
        """Whether any row has scores from the paper."""
        return any(row.paper for row in self.rows)
