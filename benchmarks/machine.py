"""The machine that results are from: its name, and what it consists of."""

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from benchmarks.measure import cores

PACKAGES = ("torch", "faiss-cpu", "numpy", "zarr")


def machine() -> dict[str, Any]:
    """Card if there is one, processor, cores, versions of the libraries, and load."""
    card = {"card": torch.cuda.get_device_name(), "cuda": torch.version.cuda} if on_card() else {}
    return {
        **card,
        "processor": _processor(),
        "cores": cores(),
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
        "load": [round(load, 1) for load in os.getloadavg()],
    }


def machine_name() -> str:
    """What its results are filed under: `cpu`, or the card's short name in lower case."""
    return short_name(torch.cuda.get_device_name()) if on_card() else "cpu"


def on_card() -> bool:
    """Whether torch sees a card."""
    return torch.cuda.is_available()


def short_name(card: str) -> str:
    """The model of a card.

    Example:
        >>> short_name("NVIDIA H100 80GB HBM3")
        'h100'
    """
    model = re.search(r"[A-Z]+ ?\d+[A-Za-z]*", card)
    return (model[0] if model else card).replace(" ", "").lower()


def _processor() -> str:
    """Name of the processor, as reported by Linux."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()
