"""Reading the weights in a PyTorch Lightning checkpoint without executing pickled code."""

from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

from depthg.errors import DepthGError
from depthg.weights.checkpoints import unreadable


class Inert:
    """Replaces every class and function that a checkpoint pickles: takes any arguments, returns an empty mapping."""

    def __new__(cls, *_: Any, **__: Any) -> OrderedDict[Any, Any]:  # type: ignore[misc]
        return OrderedDict()  # the only type that torch's unpickler fills and that also accepts a state


def read_lightning(path: Path, prefix: str) -> dict[str, Tensor]:
    """The tensors of a Lightning checkpoint whose keys start with `prefix`, which is removed.

    A Lightning checkpoint also pickles the configuration and callbacks of the training, whose classes may not be
    installed here. torch's restricted unpickler builds only tensors and plain values; every other object in the
    file becomes an empty mapping (`Inert`).

    Raises:
        DepthGError: the file is missing or damaged, refers to a system module, or has no keys with this prefix.
    """
    try:
        inert: list[Any] = [(Inert, name) for name in get_unsafe_globals_in_checkpoint(path)]
        with safe_globals(inert):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise unreadable(path, error) from None
    state = content.get("state_dict") if isinstance(content, Mapping) else None
    weights = {
        key.removeprefix(prefix): value
        for key, value in (state or {}).items()
        if key.startswith(prefix) and isinstance(value, Tensor)
    }
    if not weights:
        raise DepthGError(f"{path}: has no weights named {prefix}…: not the checkpoint that is meant")
    return weights
