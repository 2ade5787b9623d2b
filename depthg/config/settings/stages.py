"""Settings of what all experiments on a data set share: crops, neighbours, and the geometries to choose from."""

from typing import Annotated, Literal

from pydantic import Field

from depthg.config.base import Fraction, Model, Positive


class CropSettings(Model):
    """Images → square crops."""

    five_crop: bool = Field(True, description="cut every training image into corners and centre (Sec. 4.1)")
    size: Positive = Field(224, description="side of a training crop, pixels")
    eval_size: Positive = Field(320, description="side of a validation crop, pixels")
    resize: Literal["bilinear", "nearest"] = Field(
        "bilinear",
        description="how photographs are resized; nearest as released: depthg.stages.crops.RESIZES",
    )


class ScopeSettings(Model):
    """Training crops → those that anything but a mean vector is computed of."""

    training_crops: Literal["all", "scheduled"] = Field(
        "all",
        description="whose depth, tokens and geometry are computed: of all training crops, or of those that the "
        "trainings of `seeds` will draw; all once more for their mean vectors",
    )


class NeighborSettings(Model):
    """Crops → their nearest crops by mean feature."""

    keep: Positive = Field(30, description="neighbours kept for each crop")
    siblings: bool = Field(True, description="whether crops of the same image may be neighbours")
    pooled_dropout: Fraction = Field(
        0.0,
        description="channels silenced before the mean is taken; 0.1 as released, where dropout was left on",
    )


class GeometrySettings(Model):
    """Depth → points, farthest-point order, 3-D neighbours (Sec. 3.4, 3.6): one of `geometries`."""

    camera: Literal["pinhole", "parallel", "released"] = Field(
        "pinhole", description="how depth becomes points: depthg.stages.geometry.CAMERAS"
    )
    field_of_view: Annotated[float, Field(gt=0, lt=180)] = Field(90.0, description="of the camera, degrees")
    near: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.1, description="distance of the nearest token as a share of the farthest's"
    )
    order_length: Positive = Field(
        144, description="farthest points kept for each crop, where it has as many tokens"
    )
    lhp_neighbors: Positive = Field(8, description="3-D neighbours of a token, itself included")
    control: Literal["none", "plane", "shuffled", "inverted"] = Field(
        "none", description="depth replaced, to see whether it matters: depthg.stages.depth.controls.CONTROLS"
    )
    depth_values: Literal["unit", "bytes", "integers"] = Field(
        "unit", description="range of depth; the others as released: depthg.stages.depth.controls.VALUES"
    )
