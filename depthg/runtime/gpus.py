"""The GPUs of this machine: counted without torch, and claimed so that every job has its own."""

import fcntl
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

DRIVER = Path("/proc/driver/nvidia/gpus")  # a folder for each GPU
_claims: list[int] = []  # descriptors of locks, held until the process ends


def count_gpus() -> int:
    """How many GPUs jobs may use here: those of CUDA_VISIBLE_DEVICES where it is set, else all of NVIDIA's."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([name for name in visible.split(",") if name.strip() not in ("", "-1")])
    return len(list(DRIVER.glob("*")))


def claim_gpu(names: Sequence[str]) -> int:
    """The place of the first GPU that no other job of this machine has claimed.

    The claim ends with the process, however it ends. Where all are claimed, jobs share them.

    Args:
        names: one for each GPU, the same in every process: PyTorch numbers those that a process may see.
    """
    for place, name in enumerate(names):
        path = Path(tempfile.gettempdir(), f"depthg-{os.getuid()}-gpu-{name}.lock")
        stream = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(stream)
            continue
        _claims.append(stream)
        return place
    return os.getpid() % len(names)
