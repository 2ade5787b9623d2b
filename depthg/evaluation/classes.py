"""The check that labels keep to the classes of their data set."""

import numpy as np

from depthg.data.classes import Classes, read_classes
from depthg.data.decode import VOID
from depthg.errors import DepthGError

__all__ = ["VOID", "Classes", "check_labels", "read_classes"]


def check_labels(labels: np.ndarray, classes: int, where: str) -> None:
    """Check that every label is a class id below `classes` or void.

    Raises:
        DepthGError: a label is neither; `where` names the labels' origin.
    """
    wrong = labels[(labels >= classes) & (labels != VOID)]
    if wrong.size:
        raise DepthGError(
            f"{where}: label {int(wrong.flat[0])} is neither void ({VOID}) nor one of the {classes} classes: "
            "correct the label maps or classes.csv"
        )
