"""The weights in a checkpoint of PyTorch Lightning, read without running anything that it holds."""

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
    """Stands in for every class and function named in a checkpoint: takes any arguments, makes an empty mapping."""

    def __new__(cls, *_: Any, **__: Any) -> OrderedDict[Any, Any]:  # type: ignore[misc]
        return OrderedDict()  # of what torch's unpickler can fill, the one that also takes a state


def read_lightning(path: Path, prefix: str) -> dict[str, Tensor]:
    """The tensors of a Lightning checkpoint whose names start with `prefix`, under the rest of their names.

    Beside them such a file pickles the training's configuration and callbacks, objects of classes that need not
    exist here. torch's restricted unpickler builds tensors and plain values only; any other name in the file
    becomes `Inert`.

    Raises:
        DepthGError: the file is missing, broken, asks for a system module, or has no such tensors.
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
