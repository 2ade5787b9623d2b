"""Training settings of a few crops and tokens."""

import pytest

from depthg.config.settings import TrainSettings

TINY = {"batch": 4, "samples": 3, "code_dim": 4, "negatives": 2, "neighbors": 3}


@pytest.fixture
def tiny() -> dict[str, TrainSettings]:
    """The benchmarks' settings, by their names, on batches of 4 crops with 9 tokens of each."""
    product = TrainSettings(sampling="fps", depth_loss="product", steps=2, **TINY)
    return {"PRODUCT": product, "LHP": product.model_copy(update={"lhp": "depth"})}
