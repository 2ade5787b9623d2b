"""Uses of depth that need no training, on scenes where depth alone says what is what."""

import numpy as np
import pytest
import torch

from benchmarks import uses_of_depth
from benchmarks.uses_of_depth import Joined, Split, Study, Use, distance, height, normals
from depthg.models.centring import Centring
from depthg.store.arrays import Array
from depthg.store.reader import Store
from depthg.store.writer import Writer

GRID, SIDE, CROPS = 6, 12, 24


def store(path, **arrays):
    layout = {name: Array(value.shape[1:], str(value.dtype)) for name, value in arrays.items()}
    writer = Writer(path, CROPS, layout, {"settings": {}})
    writer.write(range(CROPS), **arrays)
    writer.finish()
    return Store(path)


@pytest.fixture
def split(tmp_path):
    """Two classes in columns, which differ by crop: depth knows them, and neither tokens nor colours do."""
    rng = np.random.default_rng(0)
    columns = rng.integers(2, size=(CROPS, 1, GRID)).repeat(GRID, 1)
    labels = columns.repeat(2, 1).repeat(2, 2)
    return Split(
        store(tmp_path / "f", tokens=rng.normal(size=(CROPS, GRID, GRID, 8)).astype(np.float16)),
        store(tmp_path / "c", images=np.zeros((*labels.shape, 3), np.uint8), labels=labels.astype(np.uint16)),
        store(tmp_path / "d", depth=(0.2 + 0.6 * labels).astype(np.float16)),
        Centring(torch.zeros(8)),
    )


def test_depth_that_knows_the_classes_is_of_use_and_that_of_another_image_is_not(split):
    joined, once, study = Use(distance, share=0.5), np.ones((1, CROPS), int), Study(split, split, 2, range(3))
    own, other, without = (
        uses_of_depth.miou(study.counted(use, control), once)[0]
        for use, control in ((joined, "none"), (joined, "shuffled"), (Use(), "none"))
    )
    assert own > 85  # not 100: labels have two pixels a token, and bilinear enlargement moves borders
    assert other < 60 and without < 60


def test_what_lies_at_one_distance_votes_together(split):
    guide = uses_of_depth.guide_of(
        Use(guides=((distance, 0.05),)),
        split.pooled(range(2), "none"),
        np.zeros((2, SIDE, SIDE, 3), np.uint8),
    )
    assert guide.shape == (2, 1, GRID, GRID)
    near, far = guide.unique()
    assert far - near == pytest.approx(0.6 / 0.05, rel=1e-2)  # float16


def test_no_guide_without_one():
    assert uses_of_depth.guide_of(Use(), torch.zeros(1, 2, 2), np.zeros((1, 2, 2, 3), np.uint8)) is None


def test_a_wall_faces_the_camera():
    facing = normals(torch.full((1, 5, 5), 0.5))
    torch.testing.assert_close(facing.abs(), torch.tensor([0.0, 0, 1]).view(1, 3, 1, 1).expand(1, 3, 5, 5))


def test_a_floor_has_normals_across_the_view():
    # z = c / y on a floor at a constant height below the camera: d rises towards the middle row
    rows = torch.arange(5, 9) + 0.5 - 5  # below the axis of a grid of ten rows
    z = 0.1 * rows.max() / rows
    depth = torch.ones(1, 10, 10)
    depth[0, 5:9] = ((z - 0.1) / 0.9)[:, None]
    inner = normals(depth)[0, :, 6:8, 1:-1]
    assert (inner[1].abs() > 0.99).all()


def test_up_is_positive():
    heights = height(torch.full((1, 4, 4), 0.5))[0, 0]
    assert (heights[:2] > 0).all() and (heights[2:] < 0).all()


def test_depth_has_its_share_of_a_joined_token():
    torch.manual_seed(0)
    channels = torch.randn(5000, 3) * 4 + 7
    tokens = torch.nn.functional.normalize(torch.randn(5000, 8), dim=-1)
    joined = Joined(Use(normals, share=0.25), channels)(tokens, channels)
    torch.testing.assert_close(joined.norm(dim=-1), torch.ones(5000))
    share = joined[:, 8:].square().sum(-1) / joined.square().sum(-1)
    assert share.mean() == pytest.approx(0.22, abs=0.03)  # of a mean of ratios, not the ratio of means


def test_draws_weigh_the_crops():
    right, wrong = np.diag([3, 1]), np.array([[3, 0], [1, 0]])
    counts = np.stack([right, wrong])[None]
    found = uses_of_depth.miou(counts, np.array([[1, 0], [0, 1], [1, 1]]))
    # of both: class 0 has 6 of 7 pixels, class 1 has 1 of 2
    np.testing.assert_allclose(found, [100, 37.5, 50 * (6 / 7 + 1 / 2)])


def test_the_table_compares_with_the_same_without_depth_and_with_the_control():
    right, wrong = np.diag([3, 1]), np.array([[3, 0], [1, 0]])
    better, worse = (np.stack([one] * 4)[None] for one in (right, wrong))
    names = uses_of_depth.TOKENS, uses_of_depth.COLOUR, "guided by colour and distance (0.1)"
    found = dict(zip(names, ((worse, None), (better, None), (better, worse)), strict=True))
    tokens, colour, both = uses_of_depth.table(found).splitlines()[2:]
    assert tokens.endswith("| 37.5 | – | – |")
    assert colour.endswith("| 100.0 | +62.5 (+62.5 … +62.5) | – |")
    assert both.endswith("| 100.0 | +0.0 (+0.0 … +0.0) | +62.5 (+62.5 … +62.5) |")
