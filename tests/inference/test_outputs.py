"""The files of an image in a folder that has others of a former run."""

import numpy as np
import pytest
from PIL import Image

from depthg.inference.config import OutputClass
from depthg.inference.inputs import Input
from depthg.inference.outputs import MASKS, read_mask, write_mask
from depthg.inference.picture import WholePicture
from depthg.inference.segmentation import Segmentation


@pytest.mark.parametrize(("before", "after"), [MASKS, MASKS[::-1]])
def test_an_image_that_became_a_map_has_no_mask_of_before(tmp_path, monkeypatch, before, after):
    """a.png became a.tif, or the reverse: tables and annotations would be of the former one."""
    one, picture = Input(tmp_path / "photos/a", "a"), WholePicture(Image.new("RGB", (3, 2)))
    for suffix, label in ((before, 0), (after, 1)):
        labels = np.full((2, 3), label, np.uint8)
        monkeypatch.setattr(picture, "suffix", suffix)
        write_mask(tmp_path, one, picture, Segmentation(labels, [OutputClass(name="sky", color=(0, 0, 0))]))
        np.testing.assert_array_equal(read_mask(tmp_path, "a"), labels)
    assert [path.name for path in tmp_path.iterdir()] == [f"a{after}"]
