"""What the figures of the paper show: sampling, propagation, comparison, worst cases."""

from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from depthg.cli.tools import figure_sampling
from depthg.config.settings import GeometrySettings, TrainSettings
from depthg.errors import DepthGError
from depthg.report.figures.predictions import draw_comparison, draw_worst
from depthg.report.figures.propagation import QUERIES, draw_propagation, largest_weights, query_tokens
from depthg.report.figures.sampling import DOTS, draw_sampling, mean_gap, token_colors
from depthg.store.arrays import Array
from depthg.store.reader import Store
from depthg.store.writer import Writer
from depthg.training.inputs import Inputs

CLASSES = "id,name,red,green,blue\n0,road,128,64,128\n1,sky,70,130,180\n"
ROAD, SKY = (128, 64, 128), (70, 130, 180)
SIDE, CROPS = 6, 2


def write(path: Path, features: Path | None = None, **arrays: np.ndarray) -> Path:
    layout = {name: Array(value.shape[1:], str(value.dtype)) for name, value in arrays.items()}
    made = {"features": Store(features).fingerprint} if features else {}
    writer = Writer(path, CROPS, layout, {"settings": GeometrySettings().model_dump(), **made})
    writer.write(range(CROPS), **arrays)
    writer.finish()
    return path


@pytest.fixture
def stores(tmp_path) -> dict[str, Path]:
    """Grey crops of 48 pixels, whose farthest-point order begins with the first row of 36 tokens."""
    tokens = SIDE * SIDE
    neighbors = np.stack([np.arange(tokens), (np.arange(tokens) + 1) % tokens], -1).astype(np.uint16)
    depth = np.linspace(0, 1, tokens, dtype=np.float16).reshape(SIDE, SIDE)
    weights = np.tile(np.float16([0.75, 0.25]), (CROPS, tokens, 1))
    features = write(tmp_path / "f.zarr", tokens=np.zeros((CROPS, SIDE, SIDE, 2), np.float16))
    return {
        "crops": write(tmp_path / "crops.zarr", images=np.full((CROPS, 48, 48, 3), 90, np.uint8)),
        "features": features,
        "neighbors": write(tmp_path / "n.zarr", features, ids=np.zeros((CROPS, 1), np.int32)),
        "geometry": write(
            tmp_path / "g.zarr",
            features,
            depth=np.stack([depth] * CROPS),
            order=np.tile(np.arange(tokens, dtype=np.uint16), (CROPS, 1)),
            neighbors=np.stack([neighbors] * CROPS),
            weights=weights,
        ),
    }


def pixels(path: Path) -> np.ndarray:
    return (matplotlib.image.imread(path)[..., :3] * 255).round().astype(int)


def columns(picture: np.ndarray, count: int) -> list[np.ndarray]:
    """The columns of a figure, whose panels are equally wide."""
    return [
        picture[:, place * picture.shape[1] // count : (place + 1) * picture.shape[1] // count]
        for place in range(count)
    ]


def share(picture: np.ndarray, color: tuple[int, int, int]) -> float:
    return float((picture == color).all(-1).mean())


def test_sampling_marks_n_squared_tokens_of_each_sampler(stores, tmp_path):
    opened = {name: Store(path) for name, path in stores.items() if name != "crops"}
    settings = TrainSettings(samples=2, sampling="fps")
    draw_sampling(stores["crops"], Inputs(**opened), settings, tmp_path / "sampling.png")
    depth, random, random_above, farthest, above = columns(pixels(tmp_path / "sampling.png"), 5)
    assert share(depth, DOTS) == 0
    assert share(random, DOTS) == pytest.approx(share(farthest, DOTS), rel=0.3) and share(random, DOTS) > 0
    assert share(random_above, DOTS) > 0 and share(above, DOTS) > 0
    rows = np.flatnonzero((farthest == DOTS).all(-1).any(1))
    crop = (farthest.shape[0] - rows[0]) / 2  # its marks are all in the uppermost of six rows of tokens
    assert ((rows - rows[0]) % crop < crop / 6).all()


@pytest.mark.parametrize("changes", [{"tokens": "centred"}, {"lhp": "attention", "sampling": "random"}])
def test_the_sampling_command_needs_geometry_alone(stores, tmp_path, changes):
    settings = TrainSettings(samples=2, batch=2, neighbors=1, sampling="fps").model_copy(update=changes)
    figure_sampling(**stores, settings=settings, out=tmp_path / "sampling.png")
    assert share(pixels(tmp_path / "sampling.png"), DOTS) > 0


def test_gap_is_the_mean_distance_to_the_nearest_sample():
    # 2 × 3 tokens, the upper left and the lower right sampled: the others are 1 from one of them
    assert mean_gap(np.array([0, 5]), (2, 3)) == pytest.approx(4 / 6)


def test_colour_of_a_token_is_the_mean_of_its_pixels():
    images = np.zeros((1, 4, 4, 3), np.uint8)
    images[0, :2, 2:] = [[[10, 0, 0], [20, 0, 0]], [[30, 0, 0], [40, 0, 0]]]
    assert token_colors(images, (2, 2))[0, :, 0].tolist() == [0, 25, 0, 0]


def test_colours_of_tokens_that_divide_no_side():
    images = np.arange(240, dtype=np.uint8)[None, :, None, None].repeat(240, axis=2).repeat(3, axis=3)
    colors = token_colors(images, (17, 17)).reshape(17, 17, 3)  # 240 px at 14 px a patch
    assert (colors[0] == 7).all() and (colors[8] == 120).all() and (colors[16] == 232).all()


def test_queries_are_evenly_over_the_grid():
    assert query_tokens((6, 6)).tolist() == [7, 9, 11, 19, 21, 23, 31, 33, 35]


def test_a_token_shows_its_largest_weight_for_any_query():
    neighbors = np.array([[[0, 1], [1, 2], [2, 1]]], np.uint16)
    weights = np.array([[[0.9, 0.1], [0.6, 0.4], [0.7, 0.3]]], np.float16)
    assert np.allclose(largest_weights(neighbors, weights, np.array([0, 2])), [[0.9, 0.3, 0.7]], atol=1e-3)


def test_propagation_has_a_column_for_each_kind_of_neighbours(stores, tmp_path):
    draw_propagation(stores["crops"], stores["geometry"], None, tmp_path / "without.png")
    draw_propagation(stores["crops"], stores["geometry"], stores["geometry"], tmp_path / "with.png")
    image, _, space = columns(pixels(tmp_path / "without.png"), 3)
    both = pixels(tmp_path / "with.png")
    assert both.shape[1] / pixels(tmp_path / "without.png").shape[1] == pytest.approx(4 / 3, abs=0.01)
    assert share(image, (90, 90, 90)) > 0.8 and share(space, (90, 90, 90)) < 1e-3
    dimmed = round(90 * 0.45)
    assert share(space, (dimmed, dimmed, dimmed)) > 0.3
    in_space, by_attention = columns(both, 4)[2:]
    marked = share(in_space[40:], QUERIES) - share(image[40:], QUERIES)
    assert marked > 0 and share(by_attention[40:], QUERIES) == pytest.approx(
        share(in_space[40:], QUERIES), abs=0.01
    )


def shown(truth: int, predicted: int, **changes) -> dict[str, np.ndarray]:
    return {
        "crops": np.array([3, 1], np.int32),
        "images": np.full((2, 16, 16, 3), 90, np.uint8),
        "labels": np.full((2, 16, 16), truth, np.uint16),
        "predictions": np.full((2, 16, 16), 255, np.uint16),
        "refined": np.full((2, 16, 16), predicted, np.uint16),
        "matched": np.array(True),
        **changes,
    }


@pytest.fixture
def classes(tmp_path) -> Path:
    (tmp_path / "classes.csv").write_text(CLASSES)
    return tmp_path / "classes.csv"


def test_comparison_shows_each_experiment_in_the_same_colours(classes, tmp_path):
    paths = [tmp_path / "stego.npz", tmp_path / "ours.npz"]
    np.savez(paths[0], **shown(0, predicted=1))
    np.savez(paths[1], **shown(0, predicted=0))
    draw_comparison(paths, ["stego", "ours"], classes, tmp_path / "out.png")
    image, truth, stego, ours = columns(pixels(tmp_path / "out.png"), 4)
    assert share(image, (90, 90, 90)) > 0.7
    assert share(truth, ROAD) > 0.7 and share(stego, SKY) > 0.7 and share(ours, ROAD) > 0.7


def test_comparison_of_other_images_is_refused(classes, tmp_path):
    np.savez(tmp_path / "a.npz", **shown(0, 1))
    np.savez(tmp_path / "b.npz", **shown(0, 1, images=np.zeros((2, 16, 16, 3), np.uint8)))
    with pytest.raises(DepthGError, match=r"b\.npz: of other images than .*a\.npz: evaluate both anew"):
        draw_comparison([tmp_path / "a.npz", tmp_path / "b.npz"], ["a", "b"], classes, tmp_path / "out.png")


def test_worst_shows_truth_prediction_and_accuracy(classes, tmp_path):
    scores = {"accuracy": np.float32([3.2, 40]), "accuracies": np.float32([90, 40, 80, 3.2])}
    np.savez(tmp_path / "worst.npz", **shown(0, predicted=1), **scores)
    draw_worst(tmp_path / "worst.npz", classes, tmp_path / "out.png")
    image, truth, plain, refined = columns(pixels(tmp_path / "out.png"), 4)
    assert share(truth, ROAD) > 0.7 and share(plain, (225, 225, 225)) > 0.7 and share(refined, SKY) > 0.7
    assert share(image, (255, 255, 255)) > share(refined, (255, 255, 255))  # the note's letters


def test_without_labels_there_is_no_worst(classes, tmp_path):
    none = {name: value if name == "matched" else value[:0] for name, value in shown(0, 1).items()}
    np.savez(tmp_path / "worst.npz", **none, accuracy=np.empty(0), accuracies=np.empty(0))
    with pytest.raises(DepthGError, match="no image has a score"):
        draw_worst(tmp_path / "worst.npz", classes, tmp_path / "out.png")
