"""What `depthg segment` has finished in a folder: a killed run resumes by it, and areas.csv is made of it."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from depthg.inference.inputs import Input
from depthg.inference.kept import forget_all
from depthg.inference.outputs import find_mask
from depthg.inference.segmentation import by_name
from depthg.runtime.files import replacing
from depthg.runtime.progress import info

FILE = ".segmented.jsonl"  # first what made it, then a line for each image
HEADER = ("image", "class", "pixels", "percent")


class Journal:
    """The finished images of a folder, with the number of pixels of each class.

    Args:
        out: the folder; it exists.
        model: fingerprint of the model.
        options: what masks and other files depend on besides.
        resume: go on with what is there, if it is of the same model and options; else begin anew.
    """

    def __init__(self, out: Path, model: str, options: Mapping[str, Any], resume: bool):
        self.out, self.path = out, out / FILE
        origin = {"model": model, "options": dict(options)}
        found = _lines(self.path) if resume else []
        self._done: dict[str, dict[str, Any]] = {}  # name → line, of the images whose masks are still there
        if found and found[0] == origin:
            self._done = {line["image"]: line for line in found[1:] if find_mask(out, line["image"])}
        else:
            forget_all(out)
            if found:
                info(f"{out}: holds what another model or other options gave: all images are segmented anew")
        with replacing(self.path) as draft:
            draft.write_text("".join(json.dumps(line) + "\n" for line in [origin, *self._done.values()]))

    def has(self, one: Input) -> bool:
        """Whether an image is finished, and its file is still the one that was segmented."""
        line = self._done.get(one.name, {})
        try:
            return one.state.items() <= line.items()
        except OSError:
            return False

    def add(self, one: Input, state: Mapping[str, int], pixels: np.ndarray) -> None:
        """Note an image whose files are all written, the state of its file, and its pixels by class int64 [classes]."""
        line = self._done[one.name] = {"image": one.name, **state, "pixels": pixels.tolist()}
        with self.path.open("a") as stream:
            stream.write(json.dumps(line) + "\n")

    def write_areas(self, path: Path, inputs: Sequence[Input], names: Sequence[str]) -> None:
        """Write areas.csv: for each image the pixels and the percentage of every class that occurs in it."""
        with replacing(path) as draft, draft.open("w", newline="", encoding="utf-8") as stream:
            table = csv.writer(stream, lineterminator="\n")
            table.writerow(HEADER)
            for one in inputs:
                found = by_name(names, self._done[one.name]["pixels"])
                for name, count in found.items():
                    table.writerow((one.name, name, count, f"{100 * count / found.total():.3f}"))


def _lines(path: Path) -> list[Any]:
    """The lines of a journal up to the first that is not whole; none if there is no journal."""
    found = []
    try:
        for line in path.read_text().splitlines():
            found.append(json.loads(line))
    except (OSError, ValueError):
        pass  # a killed run may have left half a line
    return found
