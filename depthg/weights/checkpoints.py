"""Pretrained checkpoints: read without executing pickled code, unwrapped, and loaded with all keys matching."""

import sys
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from depthg.errors import DepthGError

WRAPPERS = ("teacher", "student", "state_dict", "model")  # keys of the weights: the first one found
PREFIXES = ("module.", "backbone.", "encoder.")  # prefixes that training frameworks add to keys
HEADS = ("head.", "fc.", "classifier.")  # classifiers, which dense features do not need


def read_checkpoint(path: Path) -> Mapping[str, Any]:
    """The content of a safetensors file, or of a pickle that contains only tensors and plain values.

    Raises:
        DepthGError: the file is missing or damaged, or its pickle contains other objects.
    """
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise unreadable(path, error) from None


def unreadable(path: Path, error: Exception) -> DepthGError:
    """The error for an unreadable checkpoint; replaces torch's message, which recommends weights_only=False."""
    reason = (str(error) or type(error).__name__).splitlines()[0]
    if isinstance(error, UnpicklingError):
        reason = "it is no checkpoint, or holds code beside its weights"
    return DepthGError(f"{path}: not a readable checkpoint ({reason}): download it again")


def clean_keys(checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
    """The state dict in a checkpoint: without wrapper, prefixes of keys, and classifier heads."""
    for wrapper in WRAPPERS:
        if isinstance(checkpoint.get(wrapper), Mapping):
            checkpoint = checkpoint[wrapper]
            break
    cleaned = {}
    for key, value in checkpoint.items():
        for prefix in PREFIXES:
            key = key.removeprefix(prefix)
        if isinstance(value, Tensor) and not key.startswith(HEADS):
            cleaned[key] = value
    return cleaned


def rename_for_timm(weights: Mapping[str, Tensor], net: nn.Module) -> Mapping[str, Tensor]:
    """Weights of DINOv2 or DINOv3 with Meta's keys, renamed to the keys of the timm model `net`.

    Register tokens, biases and layer scales have other keys in timm. Meta's checkpoints are recognised by their
    mask token; other weights are returned unchanged.
    """
    own = net.state_dict()
    patch = "patch_embed.proj.weight"
    # timm's filter would resample weights of another patch size, which belong to another backbone.
    if "mask_token" not in weights or patch not in own or weights[patch].shape != own[patch].shape:
        return weights
    rename = getattr(sys.modules[type(net).__module__], "checkpoint_filter_fn", None)
    return rename(dict(weights), net) if rename else weights


def load_weights(net: nn.Module, weights: Mapping[str, Tensor], path: Path) -> None:
    """Load weights, cast to float32, into a model.

    Raises:
        DepthGError: keys or shapes do not match those of the model; names the file `path`.
    """
    own = net.state_dict()
    missing = [key for key in own if key not in weights and not key.endswith("num_batches_tracked")]
    foreign = [key for key in weights if key not in own]
    shapes = [key for key in own if key in weights and own[key].shape != weights[key].shape]
    for problem, keys in (("lacks", missing), ("has unknown", foreign), ("has another shape of", shapes)):
        if keys:
            more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
            raise DepthGError(f"{path}: {problem} '{keys[0]}'{more}: not weights of this model and its args")
    net.load_state_dict({key: value.float() for key, value in weights.items()}, strict=False)
