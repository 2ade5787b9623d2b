"""Run lengths and panoptic PNGs of any label map give that map back; masks keep ids and colours."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from depthg.inference.coco import panoptic, run_lengths, write
from depthg.inference.config import OutputClass
from depthg.inference.inputs import Input
from depthg.inference.segmentation import Segmentation

CLASSES = 4
SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 9))
# 255: no data, of which nothing is annotated
LABELS = SHAPES.flatmap(lambda shape: arrays(np.uint8, shape, elements=st.sampled_from([0, 1, 2, 3, 255])))
IMAGE = Input(Path("a.png"), "a")


def box(mask: np.ndarray) -> list[int]:
    rows, columns = np.nonzero(mask)
    return [columns.min(), rows.min(), columns.max() - columns.min() + 1, rows.max() - rows.min() + 1]


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # of pycocotools' own arrays, when it decodes
@settings(max_examples=50)
@given(LABELS)
def test_run_lengths_are_decoded_to_the_map(labels):
    tools = pytest.importorskip("pycocotools.mask")
    drawn, seen = np.full(labels.shape, 255, np.uint8), []
    for one in run_lengths(Path(), IMAGE, 7, labels, CLASSES):
        mask = tools.decode(one["segmentation"]).astype(bool)
        assert (drawn[mask] == 255).all()  # no pixel is of two classes
        drawn[mask] = one["category_id"] - 1
        seen.append(one["category_id"])
        assert (one["image_id"], one["area"], one["bbox"]) == (7, mask.sum(), box(mask))
    assert np.array_equal(drawn, labels) and seen == sorted(set(seen))


@settings(max_examples=30)
@given(LABELS)
def test_panoptic_ids_and_segments_are_those_of_the_map(tmp_path_factory, labels):
    out = tmp_path_factory.getbasetemp()
    (one,) = panoptic(out, IMAGE, 7, labels, CLASSES)
    red, green, blue = np.asarray(Image.open(out / "panoptic/a.png")).astype(int).transpose(2, 0, 1)
    ids = red + 256 * green + 256**2 * blue
    assert np.array_equal(ids, np.where(labels == 255, 0, labels.astype(int) + 1))
    assert [segment["id"] for segment in one["segments_info"]] == sorted({*ids.ravel().tolist()} - {0})
    for segment in one["segments_info"]:
        mask = ids == segment["id"]
        assert (segment["area"], segment["bbox"]) == (mask.sum(), box(mask))


def test_images_of_one_name_are_told_apart_by_their_folders(tmp_path):
    images = [Input(Path(f"ph/{name}"), name.removesuffix(".jpg")) for name in ("a/1.jpg", "b/1.jpg")]
    images.append(Input(Path("ph/a/2.png"), "a/2.png"))  # beside 2.jpg
    for one in images:
        path = tmp_path / f"{one.name}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.zeros((2, 3), np.uint8)).save(path)
    write("panoptic", tmp_path, images, [OutputClass(name="sky", color=(0, 0, 0))])
    found = json.loads((tmp_path / "panoptic.json").read_text())
    assert [image["file_name"] for image in found["images"]] == ["a/1.jpg", "b/1.jpg", "a/2.png"]
    assert [one["file_name"] for one in found["annotations"]] == ["a/1.png", "b/1.png", "a/2.png.png"]


@settings(max_examples=30)
@given(LABELS, st.integers(0, 99))
def test_a_mask_keeps_ids_and_shows_the_colours(labels, seed):
    colors = np.random.default_rng(seed).integers(0, 256, (CLASSES, 3))
    classes = [OutputClass(name=str(n), color=tuple(color)) for n, color in enumerate(colors.tolist())]
    found, stream = Segmentation(labels, classes), io.BytesIO()
    found.mask().save(stream, "PNG")
    with Image.open(stream) as image:
        assert np.array_equal(np.asarray(image), labels)
        shown = np.asarray(image.convert("RGB"))
    expected = [[[255] * 3 if i == 255 else colors[i].tolist() for i in row] for row in labels.tolist()]
    assert shown.tolist() == found.paint().tolist() == expected
    counts = {str(n): (labels == n).sum() / max((labels < CLASSES).sum(), 1) for n in range(CLASSES)}
    assert found.areas() == pytest.approx({name: share for name, share in counts.items() if share})
