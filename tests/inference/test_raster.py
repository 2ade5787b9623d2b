"""GeoTIFFs are read by parts as they are read whole, and their masks lie where they lie."""

import json
import warnings

import numpy as np
import pytest
from PIL import Image

from depthg.cli import main
from depthg.errors import UnreadableImageError
from depthg.inference import raster
from depthg.inference.picture import WholePicture, open_picture
from depthg.inference.raster import RasterPicture
from depthg.inference.segmenter import Segmenter

rasterio = pytest.importorskip("rasterio")
PLACE = {"crs": "EPSG:32633", "transform": rasterio.Affine(0.5, 0, 400_000, 0, -0.5, 5_800_000)}


def write(path, pixels, **profile):
    """A TIFF of pixels [H, W, bands]."""
    height, width, bands = pixels.shape
    layout = {"driver": "GTiff", "height": height, "width": width, "count": bands, "dtype": pixels.dtype}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        with rasterio.open(path, "w", **layout, **profile) as file:
            file.write(pixels.transpose(2, 0, 1))
    return path


@pytest.mark.parametrize(
    "box", [(0, 0, 90, 60), (10.3, 5.5, 58.3, 53.5), (42.5, 12, 90, 59.5), (0, 0, 30, 30)]
)
@pytest.mark.parametrize("resize", ["bilinear", "nearest"])
def test_a_box_is_cut_as_from_the_whole_image(tmp_path, picture, box, resize):
    pixels = picture(60, 90)
    parts = RasterPicture(write(tmp_path / "map.tif", pixels, **PLACE))
    apart = parts.cut(box, 48, resize).astype(int) - open_picture(pixels).cut(box, 48, resize)
    assert np.abs(apart).max() <= (resize == "bilinear")  # Pillow knows a box in single precision


def test_a_much_larger_box_is_averaged_while_it_is_read(tmp_path, picture):
    pixels = np.asarray(Image.fromarray(picture(40, 40)).resize((800, 800), Image.Resampling.BILINEAR))
    parts = RasterPicture(write(tmp_path / "map.tif", pixels, **PLACE))
    read, shapes = parts._read, []
    parts._read = lambda box, shape: shapes.append(shape) or read(box, shape)
    found = parts.cut((0, 0, 800, 800), 40, "bilinear").astype(int)
    assert shapes == [(80, 80)]
    assert np.abs(found - open_picture(pixels).cut((0, 0, 800, 800), 40, "bilinear")).mean() < 2


def test_16_bits_and_grey_are_read_as_elsewhere(tmp_path, picture):
    grey = picture(50, 60)[..., :1].astype(np.uint16) * 257
    parts = RasterPicture(write(tmp_path / "map.tif", grey, **PLACE))
    np.testing.assert_array_equal(
        parts.cut((0, 0, 50, 50), 50, "bilinear"), picture(50, 60)[:, :50, :1].repeat(3, 2)
    )


def test_what_is_no_picture_is_refused(tmp_path, picture):
    with pytest.raises(UnreadableImageError, match="holds float32, not 8 or 16 bits"):
        RasterPicture(write(tmp_path / "height.tif", picture(9, 9).astype(np.float32), **PLACE))
    (tmp_path / "cut.tif").write_bytes(write(tmp_path / "map.tif", picture(9, 9), **PLACE).read_bytes()[:90])
    with pytest.raises(UnreadableImageError, match="not an image, or cut off"):
        open_picture(tmp_path / "cut.tif")
    with pytest.raises(UnreadableImageError, match="missing"):
        open_picture(tmp_path / "nowhere.tif")


def test_photographs_are_left_to_pillow(tmp_path, picture, monkeypatch):
    Image.fromarray(picture(20, 30)).save(tmp_path / "photo.tif")
    assert isinstance(open_picture(tmp_path / "photo.tif"), WholePicture)
    deep = write(
        tmp_path / "deep.tif", picture(20, 30).astype(np.uint16) * 257
    )  # 16 bits in colour: not for Pillow
    assert isinstance(open_picture(deep), RasterPicture)
    monkeypatch.setattr(raster, "BY_PARTS", 500)
    assert isinstance(open_picture(tmp_path / "photo.tif"), RasterPicture)


def test_the_mask_of_a_map_is_a_map(made, tmp_path, picture):
    pixels = picture(70, 110)
    pixels[:20, :30] = 0
    path = write(tmp_path / "map.tif", pixels, nodata=0, **PLACE)
    model, out = made.model(), tmp_path / "masks"
    assert (
        main(["segment", str(path), "--model", str(model), "--out", str(out), "--polygons", "geojson"]) == 0
    )
    with rasterio.open(out / "map.tif") as mask:
        assert mask.crs.to_epsg() == 32633 and mask.transform == PLACE["transform"] and mask.nodata == 255
        assert mask.colormap(1)[1] == (70, 130, 180, 255) and mask.tags(1)["CLASS_1"] == "sky"
        labels = mask.read(1)
    expected = Segmenter.from_pretrained(model)(pixels).labels
    np.testing.assert_array_equal(labels[20:], expected[20:])
    assert (labels[:20, :30] == 255).all() and (labels[:20, 30:] == expected[:20, 30:]).all()
    areas = (out / "areas.csv").read_text().splitlines()[1:]
    assert sum(int(line.split(",")[2]) for line in areas) == 70 * 110 - 600
    drawn = json.loads((out / "polygons/map.geojson").read_text())
    corner = np.array(drawn["features"][0]["geometry"]["coordinates"][0])
    assert drawn["crs"]["properties"]["name"] == "EPSG:32633"
    assert (corner[:, 0] >= 400_000).all() and (corner[:, 1] <= 5_800_000).all()
