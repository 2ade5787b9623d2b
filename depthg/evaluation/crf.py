"""Refinement by a dense CRF (Krähenbühl & Koltun, 2011), with the constants of STEGO.

Imports neither torch nor the rest of the package, so that worker processes start quickly.
"""

from collections.abc import Callable, Mapping

import numpy as np
from pydensecrf import densecrf
from pydensecrf.utils import unary_from_softmax

ITERATIONS = 10
POSITION = {"sxy": 1, "compat": 3}  # Gaussian kernel, pixels
APPEARANCE = {"sxy": 67, "srgb": 3, "compat": 4}  # bilateral kernel, pixels and grey levels


def reversed_channels(image: np.ndarray) -> np.ndarray:
    """As released: uint8 [H, W, 3] in BGR; the CRF's filter is an approximation, and not symmetric in the channels."""
    return image[..., ::-1]


# Setting `crf_channels` → function of an image uint8 [H, W, 3] in RGB that returns what the CRF sees.
CHANNELS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"rgb": np.asarray, "bgr": reversed_channels}


def refine(image: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Refine class probabilities with ten mean-field iterations of the CRF.

    Args:
        image: RGB, uint8 [H, W, 3].
        probabilities: float32 [n, H, W], summing to 1 over n; their negative logarithm is the unary energy.

    Returns:
        Marginal probabilities float32 [n, H, W].

    Example:
        >>> noisy = np.float32([[[0.9, 0.4, 0.9]], [[0.1, 0.6, 0.1]]])  # one row of three pixels
        >>> refine(np.zeros((1, 3, 3), np.uint8), noisy).argmax(0)
        array([[0, 0, 0]])
    """
    return _infer(_field(image, len(probabilities)), probabilities)


def refine_maps(image: np.ndarray, probabilities: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Refined label maps uint16 [H, W] of an image, by probe; `probabilities` are float32 [n, H, W], by probe."""
    # A third of a refinement is making the kernels, which probes with as many labels share.
    fields = {labels: _field(image, labels) for labels in {len(p) for p in probabilities.values()}}
    refined = {name: _infer(fields[len(p)], p) for name, p in probabilities.items()}
    return {name: p.argmax(axis=0).astype(np.uint16) for name, p in refined.items()}


def _field(image: np.ndarray, labels: int) -> densecrf.DenseCRF2D:
    """The CRF of an image, without a unary energy."""
    height, width = image.shape[:2]
    field = densecrf.DenseCRF2D(width, height, labels)
    field.addPairwiseGaussian(**POSITION)
    # pydensecrf reads the image through a buffer that it asks to be writable
    field.addPairwiseBilateral(rgbim=np.require(image, np.uint8, ["C", "W"]), **APPEARANCE)
    return field


def _infer(field: densecrf.DenseCRF2D, probabilities: np.ndarray) -> np.ndarray:
    """Marginal probabilities float32 [n, H, W] of a CRF."""
    field.setUnaryEnergy(unary_from_softmax(np.ascontiguousarray(probabilities, dtype=np.float32)))
    return np.asarray(field.inference(ITERATIONS), np.float32).reshape(probabilities.shape)
