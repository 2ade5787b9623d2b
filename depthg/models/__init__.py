"""What is trained: the segmentation head and the projection; `HEADS` is the table of heads by name."""

from typing import Any


def __getattr__(name: str) -> Any:
    """Look up `HEADS` at first use, so that importing the package does not import torch."""
    if name == "HEADS":
        from depthg.models.heads import HEADS

        return HEADS
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
