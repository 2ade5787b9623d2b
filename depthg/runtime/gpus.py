"""The GPUs of this machine: counted without importing torch, and locked so that each job uses another one."""

import fcntl
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

DRIVER = Path("/proc/driver/nvidia/gpus")  # has one folder per GPU
_claims: list[int] = []  # file descriptors of the locks, open until the process ends


def count_gpus() -> int:
    """Number of GPUs that jobs may use: those in CUDA_VISIBLE_DEVICES if it is set, else all NVIDIA GPUs."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([name for name in visible.split(",") if name.strip() not in ("", "-1")])
    return len(list(DRIVER.glob("*")))


def claim_gpu(names: Sequence[str]) -> int:
    """Index in `names` of the first GPU that no other job on this machine has claimed, which is then claimed.

    The claim ends with the process, even if it is killed. If all GPUs are claimed, jobs share them. Names are unique
    and the same in every process, unlike PyTorch's indices.
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
