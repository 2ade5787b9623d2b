"""Weights in one safetensors file that tells what it was made from, and whether it still is what was written.

A bit that flips on a disk leaves a valid safetensors file with another weight: so a digest lies beside the tensors.
"""

# No torch in this module: reading what a file was made from takes no second.

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from depthg.errors import DepthGError
from depthg.runtime.files import replacing

# The only metadata key of each: several would be written in no fixed order.
MODEL, PROBES = "depthg", "made_from"


def save_sealed(tensors: Mapping[str, np.ndarray], path: Path, key: str, about: Mapping[str, Any]) -> None:
    """Write tensors and what there is to say about them, atomically.

    Args:
        tensors: arrays by name, contiguous.
        path: file to write.
        key: the metadata key, `MODEL` or `PROBES`.
        about: its value; JSON.
    """
    sealed = {**about, "digest": digest(tensors, about)}
    with replacing(path) as draft:  # as bytes: safetensors' own writer does not say that a disk is full
        draft.write_bytes(save(dict(tensors), {key: json.dumps(sealed, sort_keys=True)}))


def load_sealed(path: Path, key: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read the tensors, and what was said about them, with their `digest` if the file has one.

    Raises:
        DepthGError: the tensors are not those that were written.
        OSError, SafetensorError, KeyError, ValueError: there is no such file, or it is none of depthg's.
    """
    with safe_open(path, framework="numpy") as stored:
        about = json.loads((stored.metadata() or {})[key])
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118  (not a mapping)
    stated = {name: value for name, value in about.items() if name != "digest"}
    if about.get("digest") not in (None, digest(tensors, stated)):  # earlier versions wrote none
        raise DepthGError(
            f"{path}: damaged: its weights are not those that were written: "
            f"make it again with `snakemake --cores 2 --force {path}`"
        )
    return tensors, about


def digest(tensors: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> str:
    """A hash of tensors, and of what is said about them: 16 hexadecimal digits."""
    content = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for name in sorted(tensors):
        values = tensors[name]
        content.update(json.dumps([name, str(values.dtype), values.shape]).encode())
        content.update(values.tobytes())
    return content.hexdigest()[:16]


def check_origin(path: Path, made_from: Mapping[str, Any], **there: str | None) -> None:
    """Check that a file was made from what is there now.

    Args:
        path: the file.
        made_from: what it says it was made from; what it does not say is not checked.
        **there: digest or fingerprint of each of these things, by name; None: not known.

    Raises:
        DepthGError: it was made from another one.
    """
    for name, current in there.items():
        if None not in (current, stated := made_from.get(name)) and stated != current:
            raise DepthGError(
                f"{path} was made from another {name} than the one there now: make it again with "
                f"`snakemake --cores 2 --force {path}`"
            )
