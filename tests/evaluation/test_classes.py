import numpy as np
import pytest

from depthg.errors import DepthGError
from depthg.evaluation.classes import check_labels


def test_labels_are_class_ids_or_void():
    check_labels(np.array([0, 2, 255], np.uint16), 3, "here")
    with pytest.raises(DepthGError, match="here: label 3 is neither"):
        check_labels(np.array([0, 3], np.uint16), 3, "here")
