import numpy as np
import pytest
import torch

from depthg.errors import DepthGError
from depthg.stages.depth.controls import CONTROLS, VALUES
from depthg.store.arrays import Array
from depthg.store.reader import Store
from depthg.store.writer import Writer


def make_maps(folder, count):
    """Depth of `count` crops, each unlike all others."""
    writer = Writer(folder / "depth.zarr", count, {"depth": Array((4, 3), "float16")}, {})
    writer.write(range(count), depth=np.arange(12 * count).reshape(count, 4, 3) / 480)
    writer.finish()
    return Store(writer.path)


@pytest.fixture
def maps(tmp_path):
    return make_maps(tmp_path, 40)


def test_none_and_inverted(maps):
    own = maps.read("depth", range(3, 9))
    np.testing.assert_array_equal(CONTROLS["none"](maps, range(3, 9)), own)
    np.testing.assert_array_equal(CONTROLS["inverted"](maps, range(3, 9)), 1 - own)


def test_a_plane_rises_to_the_horizon_and_knows_no_image(maps):
    found = CONTROLS["plane"](maps, range(2, 5))
    assert found.shape == (3, 4, 3) and found.dtype == np.float16
    np.testing.assert_allclose(found, np.broadcast_to(np.linspace(1, 0, 4)[:, None], (3, 4, 3)), atol=1e-3)


def test_shuffled_depth_is_of_another_image_at_the_same_place(maps):
    depth = maps.read("depth")
    found = np.concatenate(
        [CONTROLS["shuffled"](maps, range(0, 25)), CONTROLS["shuffled"](maps, range(25, 40))]
    )
    source = [int((depth == crop).all((1, 2)).argmax()) for crop in found]
    assert sorted(source) == list(range(40))
    for row, other in enumerate(source):
        assert row // 5 != other // 5 and row % 5 == other % 5


@pytest.mark.parametrize("count", [1, 5])
def test_depth_of_one_image_cannot_be_shuffled(tmp_path, count):
    with pytest.raises(
        DepthGError, match=r"depth\.zarr: . crops: control: shuffled needs .* other images: add"
    ):
        CONTROLS["shuffled"](make_maps(tmp_path, count), range(count))


@pytest.mark.parametrize("count", [*range(2, 5), *range(6, 30)])
def test_no_crop_keeps_its_depth_when_it_is_shuffled(tmp_path, count):
    maps = make_maps(tmp_path, count)
    own, other = maps.read("depth"), CONTROLS["shuffled"](maps, range(count))
    assert (own != other).any((1, 2)).all()


def test_released_ranges():
    depth = torch.tensor([0.0, 0.3, 0.999, 1.0])
    assert VALUES["unit"](depth) is depth
    torch.testing.assert_close(VALUES["bytes"](depth), depth * 255)
    assert VALUES["integers"](depth).tolist() == [0, 0, 0, 1]
