"""Settings of the stages that experiments on a data set share: crops, nearest neighbours, geometry."""

from typing import Annotated, Literal

from pydantic import Field

from depthg.config.base import Fraction, Model, Positive


class CropSettings(Model):
    """Images → square crops."""

    five_crop: bool = Field(True, description="five crops of a training image (Sec. 4.1), else the centre")
    size: Positive = Field(224, description="side of a training crop, pixels")
    eval_size: Positive = Field(320, description="side of a validation crop, pixels")
    resize: Literal["bilinear", "nearest"] = Field(
        "bilinear", description="resampling of images: depthg.stages.crops.RESIZES; nearest as released"
    )


class ScopeSettings(Model):
    """Training crops → those whose depth, tokens and geometry are computed."""

    training_crops: Literal["all", "scheduled"] = Field(
        "all",
        description="crops whose depth, tokens and geometry are stored: all, or those that `seeds` draw",
    )


class NeighborSettings(Model):
    """Crops → their nearest neighbours among the crops, by mean feature."""

    keep: Positive = Field(30, description="nearest neighbours kept per crop")
    siblings: bool = Field(True, description="whether crops of the same image may be neighbours")
    pooled_dropout: Fraction = Field(
        0.0, description="channel dropout of the mean feature, below 1; 0.1 as released"
    )


class GeometrySettings(Model):
    """Depth → points, farthest-point order, 3-D neighbours (Sec. 3.4, 3.6): one of `geometries`."""

    camera: Literal["pinhole", "parallel", "released"] = Field(
        "pinhole", description="unprojection of depth to 3-D points: depthg.stages.camera.CAMERAS"
    )
    field_of_view: Annotated[float, Field(gt=0, lt=180)] = Field(90.0, description="of the camera, degrees")
    near: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.1, description="depth of the nearest token, as a share of the farthest token's; between 0 and 1"
    )
    order_length: Positive = Field(
        144, description="length of the farthest-point order, tokens; at most all tokens of a crop"
    )
    lhp_neighbors: Positive = Field(8, description="3-D nearest neighbours of a token, itself included")
    control: Literal["none", "plane", "shuffled", "inverted"] = Field(
        "none", description="control that replaces depth: depthg.stages.depth.controls.CONTROLS"
    )
    depth_values: Literal["unit", "bytes", "integers"] = Field(
        "unit", description="range of depth: depthg.stages.depth.controls.VALUES; others as released"
    )
