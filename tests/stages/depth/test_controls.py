import numpy as np
import pytest
import torch

from depthg.stages.depth.controls import CONTROLS, VALUES
from depthg.store.arrays import Array
from depthg.store.reader import Store
from depthg.store.writer import Writer


@pytest.fixture
def maps(tmp_path):
    writer = Writer(tmp_path / "depth.zarr", 40, {"depth": Array((4, 3), "float16")}, {})
    writer.write(range(40), depth=np.arange(480).reshape(40, 4, 3) / 480)
    writer.finish()
    return Store(writer.path)


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


def test_released_ranges():
    depth = torch.tensor([0.0, 0.3, 0.999, 1.0])
    assert VALUES["unit"](depth) is depth
    torch.testing.assert_close(VALUES["bytes"](depth), depth * 255)
    assert VALUES["integers"](depth).tolist() == [0, 0, 0, 1]
