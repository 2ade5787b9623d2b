"""The demo's images, labels and exact depth: random 3-D street scenes, rendered with NumPy."""

from .classes import CLASSES, FAR, PALETTE
from .dataset import PRETRAIN_SEED, TRAIN_SEED, VAL_SEED, write_dataset
from .view import View, render

__all__ = [
    "CLASSES",
    "FAR",
    "PALETTE",
    "PRETRAIN_SEED",
    "TRAIN_SEED",
    "VAL_SEED",
    "View",
    "render",
    "write_dataset",
]
