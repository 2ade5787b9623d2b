"""What was seen in the windows of a large image, in files: an interrupted run goes on behind them."""

import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from depthg.inference.inputs import Input
from depthg.runtime.files import fingerprint, replacing

FOLDER = ".windows"  # in the folder of masks


class KeptWindows:
    """The windows of one image, in a folder of its own.

    Args:
        out: the folder of masks.
        image: the image.
        state: of its file; one that has changed has other windows.
    """

    def __init__(self, out: Path, image: Input, state: Mapping[str, int]):
        self.folder = out / FOLDER / fingerprint({"image": str(image.path.resolve()), **state})

    def values(
        self, first: int, count: int, make: Callable[[], Iterable[Tensor]], device: torch.device
    ) -> Iterable[Tensor]:
        """What some windows gave, float32 [n, cells, cells] each: as it was kept, else as it is made now, and kept.

        Args:
            first, count: the windows, by their place in the order of all.
            make: looks at them.
            device: on which the values are wanted.
        """
        path = self.folder / f"{first}-{count}.npy"
        try:
            return torch.from_numpy(np.load(path)).to(device).unbind()
        except (FileNotFoundError, ValueError, EOFError):  # of which a power failure may have left a part
            values = list(make())
        self.folder.mkdir(parents=True, exist_ok=True)
        with replacing(path) as draft, draft.open("wb") as stream:
            np.save(stream, torch.stack(values).cpu().numpy())
        return values

    def forget(self) -> None:
        """Remove them: the image is done."""
        shutil.rmtree(self.folder, ignore_errors=True)


def forget_all(out: Path) -> None:
    """Remove the kept windows of all images."""
    shutil.rmtree(out / FOLDER, ignore_errors=True)
