"""Refinement by a fully connected CRF (Krähenbühl & Koltun, 2011), with the constants of STEGO.

Imports neither torch nor the rest of the package, so that worker processes start at once.
"""

from collections.abc import Mapping

import numpy as np
from pydensecrf import densecrf
from pydensecrf.utils import unary_from_softmax

ITERATIONS = 10
POSITION = {"sxy": 1, "compat": 3}  # Gaussian kernel, pixels
APPEARANCE = {"sxy": 67, "srgb": 3, "compat": 4}  # bilateral kernel, pixels and grey levels


def refine(image: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Mean-field marginals float32 [n, H, W] of the CRF.

    Args:
        image: uint8 [H, W, 3].
        probabilities: float32 [n, H, W], summing to 1 over n; their negative logarithm is the unary energy.
    """
    labels, height, width = probabilities.shape
    field = densecrf.DenseCRF2D(width, height, labels)
    field.setUnaryEnergy(unary_from_softmax(np.ascontiguousarray(probabilities, dtype=np.float32)))
    field.addPairwiseGaussian(**POSITION)
    field.addPairwiseBilateral(rgbim=np.ascontiguousarray(image), **APPEARANCE)
    return np.asarray(field.inference(ITERATIONS), np.float32).reshape(labels, height, width)


def refine_maps(image: np.ndarray, probabilities: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Refined label maps uint16 [H, W] of one image, one for each entry of `probabilities`."""
    return {name: refine(image, p).argmax(axis=0).astype(np.uint16) for name, p in probabilities.items()}
