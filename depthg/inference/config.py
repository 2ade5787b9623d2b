"""config.json of a model's folder: all that is needed to apply the model, and where it comes from."""

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from depthg.config.base import Model, Positive
from depthg.config.sections import Backbone, Stored
from depthg.config.validation import validated
from depthg.data.classes import Color
from depthg.errors import DepthGError
from depthg.runtime.files import write_json

CONFIG = "config.json"
HEAD = "head.safetensors"  # as `depthg train` writes it
PROBES = "probes.safetensors"  # as `depthg cluster` writes it
AXES = "axes.safetensors"  # only where the backbone's tokens are projected
BACKBONE = "backbone.safetensors"  # only of a bundle
CARD = "README.md"
FILES = (HEAD, PROBES, AXES, BACKBONE, CARD, CONFIG)  # all that a folder may hold


class OutputClass(Model):
    """A class of the label maps; its id is its place in the list."""

    name: str = Field(description="name of the class, or of a cluster without one")
    color: Color = Field(description="RGB, 0 to 255")


class BackboneRef(Model):
    """The frozen backbone that a model was trained on."""

    name: str = Field(description="its name in the config.yaml that the model was made with")
    spec: Backbone = Field(description="timm model, arguments, and where its weights are")
    hash: str | None = Field(None, description="hash of its weights: DenseBackbone.weights_hash")
    bundled: bool = Field(False, description=f"whether its weights lie in the folder, as {BACKBONE}")


class ModelConfig(Model):
    """The content of config.json."""

    format: Literal[1] = Field(1, description="version of the folder's format")
    backbone: BackboneRef = Field(description="the backbone")
    stored: Stored = Field("float16", description="how tokens were rounded in training")
    side: Positive = Field(description="pixels of a window's side, as of the validation crops")
    resize: Literal["bilinear", "nearest"] = Field(
        "bilinear", description="filter by which images are resized"
    )
    flip: bool = Field(False, description="average the codes of a window with those of its mirror image")
    enlarged: Literal["logits", "codes", "guided"] = Field("logits", description="as the setting `enlarged`")
    crf_channels: Literal["rgb", "bgr"] = Field("rgb", description="order of colours that the CRF sees")
    classes: list[OutputClass] = Field(min_length=1, description="classes of the label maps, by id")
    class_of: list[int] = Field(min_length=1, description="cluster → id of its class")
    typical_side: Positive | None = Field(
        None, description="median short side of the training images, in pixels"
    )
    about: dict[str, Any] = Field({}, description="data set, experiment, seed, scores, licences, versions")


def read_config(folder: Path) -> ModelConfig:
    """Read and check the config.json of a model's folder.

    Raises:
        DepthGError: the folder or the file is missing, or is not of a model of depthg.
    """
    path = folder / CONFIG
    try:
        content = json.loads(path.read_text())
    except OSError:
        made = "snakemake --cores 2 results/DATASET/EXPERIMENT/model/config.json"
        raise DepthGError(f"{path}: no such model: give the folder that `{made}` makes") from None
    except ValueError as error:
        raise DepthGError(f"{path}: not JSON ({error}): export the model again") from None
    config = validated(ModelConfig, content, str(path))
    wrong = [of for of in config.class_of if not 0 <= of < len(config.classes)]
    if wrong:
        raise DepthGError(
            f"{path}: class_of: {wrong[0]} is none of the {len(config.classes)} classes: correct it"
        )
    return config


def remove_model(folder: Path) -> None:
    """Remove the files of a former model from a folder, config.json first: what is left of it is no model."""
    for file in reversed(FILES):
        (folder / file).unlink(missing_ok=True)


def write_config(folder: Path, config: ModelConfig) -> None:
    """Write config.json, last of the files of a folder: with it the model is whole."""
    write_json(folder / CONFIG, config.model_dump(mode="json"))
