import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from depthg.evaluation.crf import CHANNELS, refine, refine_maps
from depthg.evaluation.predict import Prediction, add_refined


def example(side: int = 24, labels: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """A smooth photograph-like image, uint8, and rough probabilities, float32 [labels, side, side]."""
    rng = np.random.default_rng(0)
    image = gaussian_filter(rng.normal(size=(side, side, 3)), (4, 4, 0))
    image = 255 * (image - image.min()) / np.ptp(image)
    logits = 8 * gaussian_filter(rng.normal(size=(labels, side, side)), (0, 2, 2))
    probabilities = np.exp(logits)
    return image.astype(np.uint8), (probabilities / probabilities.sum(axis=0)).astype(np.float32)


def normalised_kernel(features: np.ndarray) -> np.ndarray:
    """Gaussian affinities [N, N] of features [N, D], self included, normalised symmetrically."""
    squared = ((features[:, None] - features[None]) ** 2).sum(axis=-1)
    kernel = np.exp(-squared / 2)
    scale = 1 / np.sqrt(kernel.sum(axis=1))
    return scale[:, None] * kernel * scale[None]


def exact_mean_field(image: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Ten mean-field updates with all N² pairs, in float64."""
    position = np.argwhere(np.ones(image.shape[:2])).astype(float)
    color = image.reshape(-1, 3).astype(float)
    smooth = normalised_kernel(position)
    bilateral = normalised_kernel(np.concatenate([position / 67, color / 3], axis=1))
    unary = np.log(np.clip(probabilities.reshape(len(probabilities), -1), 1e-5, None).astype(float))
    marginals = probabilities.reshape(len(probabilities), -1).astype(float)
    for _ in range(10):
        energy = unary + 3 * marginals @ smooth + 4 * marginals @ bilateral
        marginals = np.exp(energy - energy.max(axis=0))
        marginals /= marginals.sum(axis=0)
    return marginals.reshape(probabilities.shape)


@pytest.mark.parametrize("height", [24, 13])
def test_agrees_with_the_exact_mean_field(height):
    image, probabilities = example()
    image, probabilities = image[:height], probabilities[:, :height]
    refined, exact = refine(image, probabilities), exact_mean_field(image, probabilities)
    # The lattice filters approximately, and ten updates let a few pixels tip over.
    assert (refined.argmax(axis=0) == exact.argmax(axis=0)).mean() > 0.98
    assert np.abs(refined - exact).mean() < 0.01
    changed = exact.argmax(axis=0) != probabilities.argmax(axis=0)
    assert changed.mean() > 0.05  # else agreeing would be no feat


def test_marginals_are_probabilities_and_repeatable():
    image, probabilities = example()
    refined = refine(image, probabilities)
    assert np.allclose(refined.sum(axis=0), 1, atol=1e-4)
    assert refined.tobytes() == refine(image, probabilities).tobytes()


def test_maps_are_refined_each_for_itself():
    image, probabilities = example()
    two = probabilities[:2] / probabilities[:2].sum(axis=0)
    by_probe = {"a": probabilities, "b": two, "as many labels as a": probabilities[::-1].copy()}
    for name, found in refine_maps(image, by_probe).items():
        assert found.dtype == np.uint16
        assert np.array_equal(found, refine(image, by_probe[name]).argmax(axis=0))


def test_workers_need_not_import_torch():
    code = "import depthg.evaluation.crf, sys; print({'torch', 'zarr', 'sklearn'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


def test_released_shows_the_crf_blue_first():
    """Its filter is an approximation, so that the order matters a little; the exact one would not know."""
    image, probabilities = example()
    assert CHANNELS["rgb"](image) is image
    swapped = refine(CHANNELS["bgr"](image), probabilities)
    np.testing.assert_array_equal(
        swapped, refine(np.stack([image[..., i] for i in (2, 1, 0)], -1), probabilities)
    )
    assert np.abs(swapped - refine(image, probabilities)).max() > 0
    assert (swapped.argmax(0) == refine(image, probabilities).argmax(0)).mean() > 0.95


def test_the_setting_reaches_the_crf():
    image, probabilities = example()
    prediction = Prediction(0, image, np.zeros(image.shape[:2], np.uint16), {})
    logits = {"linear": torch.from_numpy(probabilities).log()}
    (found,) = add_refined([(prediction, logits)], 1, "bgr")
    expected = refine(image[..., ::-1], probabilities).argmax(0)
    assert (found.maps["linear_crf"] == expected).mean() > 0.999
