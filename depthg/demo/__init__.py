"""A procedural 3-D world for demonstrations: pictures, labels and exact depth, made with NumPy."""

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
