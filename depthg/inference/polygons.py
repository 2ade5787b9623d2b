"""Label maps as polygons: GeoJSON, in the coordinates of a map where the image has them, or LabelMe."""

import importlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from depthg.errors import DepthGError
from depthg.inference.inputs import Input
from depthg.inference.picture import Picture
from depthg.inference.segmentation import Segmentation
from depthg.runtime.files import replacing

Shape = tuple[dict[str, Any], int]  # geometry of GeoJSON, and the class id


def geojson() -> Callable[[Path, Input, Picture, Segmentation], None]:
    """The writer of polygons/NAME.geojson: a feature for each connected area, with its class and its area.

    Coordinates are pixels (x to the right, y down), or those of the map of a GeoTIFF.
    """
    _library()

    def write(out: Path, one: Input, picture: Picture, found: Segmentation) -> None:
        features = [
            {
                "type": "Feature",
                "properties": {"class": found.names[place], "id": place},
                "geometry": geometry,
            }
            for geometry, place in _shapes(found, getattr(picture, "transform", None))
        ]
        content: dict[str, Any] = {"type": "FeatureCollection", "features": features}
        if crs := getattr(picture, "crs", None):
            content["crs"] = {"type": "name", "properties": {"name": str(crs)}}
        _write(out / f"polygons/{one.name}.geojson", content)

    return write


def labelme() -> Callable[[Path, Input, Picture, Segmentation], None]:
    """The writer of polygons/NAME.json for LabelMe.

    Its polygons have no holes: the larger come first, so that what lies in a hole is drawn over it.
    """
    _library()

    def write(out: Path, one: Input, picture: Picture, found: Segmentation) -> None:
        rings = [(geometry["coordinates"][0], place) for geometry, place in _shapes(found, None)]
        rings.sort(key=lambda ring: -_area(ring[0]))
        shapes: list[dict[str, Any]] = [
            {
                "label": found.names[place],
                "points": [list(point) for point in ring[:-1]],
                "group_id": None,
                "shape_type": "polygon",
                "flags": {},
            }
            for ring, place in rings
        ]
        content: dict[str, Any] = {
            "version": "5.0.1",
            "flags": {},
            "shapes": shapes,
            "imagePath": str(one.path.resolve()),
            "imageData": None,
            "imageHeight": picture.height,
            "imageWidth": picture.width,
        }
        _write(out / f"polygons/{one.name}.json", content)

    return write


POLYGONS = {"geojson": geojson, "labelme": labelme}  # option --polygons → makes the writer


def _library() -> Any:
    try:
        return importlib.import_module("rasterio.features")
    except ImportError:
        raise DepthGError("--polygons needs rasterio: pip install 'depthg[geo]'") from None


def _shapes(found: Segmentation, transform: Any) -> Iterator[Shape]:
    """Every connected area of one class, with its edges along those of the pixels."""
    known = found.labels < len(found.classes)
    given = {} if transform is None else {"transform": transform}
    for geometry, value in _library().shapes(found.labels, mask=known, **given):
        yield geometry, int(value)


def _area(ring: list[tuple[float, float]]) -> float:
    """The area within a closed ring, by the shoelace formula."""
    x, y = np.array(ring).T
    return abs(float(x[:-1] @ y[1:] - x[1:] @ y[:-1])) / 2


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as draft:
        draft.write_text(json.dumps(content) + "\n")
