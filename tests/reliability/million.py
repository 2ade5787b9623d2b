"""What a list of a million images takes of a processor and of memory, each step in a process of its own.

    python -m tests.reliability.million --images 1000000

Synthetic: the list is generated, every image is a link to the same small one, and vectors are random. What is measured
is what grows with the list, not decoding, networks or disks.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from unittest import mock

import numpy as np

CROPS = 5  # of an image
IMAGE = Path("one.png")


def links(images: int) -> None:
    """Make the folder: a thousand images in each of its folders."""
    from PIL import Image

    Image.new("RGB", (16, 16), (10, 90, 170)).save(IMAGE)
    for split, count in (("train", images), ("val", 10)):
        for number in range(count):
            link = Path(f"photos/images/{split}/{number // 1000:04d}/{number % 1000:03d}.png")
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(IMAGE.absolute())


def listing(images: int) -> None:
    """What `depthg index` and a plan find in the folder."""
    from depthg.config.sections import Dataset
    from depthg.data.folder import find

    assert len(find(Path("photos"), Dataset(root="photos")).files["train"]) == images


def table(images: int) -> None:
    """Write images.csv, and read it again, as crops and plans do."""
    from depthg.data.records import ImageRecord, read_images
    from depthg.data.table import write_records

    rows = (ImageRecord(n, f"photos/images/train/{n:07d}.png", "", 640, 480) for n in range(images))
    write_records(Path("images.csv"), ImageRecord, rows)
    assert len(read_images(Path("images.csv"))) == images


def survey(images: int) -> None:
    """Decode every image, as `depthg index` does."""
    from depthg.data.survey import survey_all

    assert sum(1 for _ in survey_all([(IMAGE, None)] * images, None, "images")) == images


def hashes(images: int) -> None:
    """Hash every file, as `depthg crops` does to know what it is made from."""
    from depthg.data.records import content_hash

    content_hash([IMAGE] * images)


def store(images: int) -> None:
    """Write a store in batches, leave it at its half, and go on."""
    from depthg.store.arrays import Array
    from depthg.store.writer import Writer

    rows = CROPS * images
    for batches in (rows // 1024 // 2, None):
        writer = Writer(Path("a.zarr"), rows, {"a": Array((), "int32", compress=False)}, {})
        for own in islice(writer.pending(1024, 4), batches):
            writer.write(own, a=np.arange(own.start, own.stop))
        if batches is None:
            writer.finish()
        del writer


def draws(images: int) -> None:
    """The crops of a hundred training steps, with siblings."""
    from depthg.config.settings import TrainSettings
    from depthg.stages.draws import Draws

    near = mock.MagicMock()
    near.__len__.return_value = CROPS * images
    near.read.return_value = np.repeat(np.arange(images, dtype=np.int32), CROPS)
    settings = TrainSettings(depth_pairs="sibling")
    drawn = Draws(near, settings, 0, near=lambda crops: np.zeros((len(crops), 30), int))
    for step in range(100):
        drawn.crops(step)


STEPS: dict[str, Callable[[int], None]] = {
    own.__name__: own for own in (links, listing, table, survey, hashes, store, draws)
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, default=1_000_000, help="how many (1000000)")
    parser.add_argument("--step", choices=STEPS, help="run one in this folder and process")
    options = parser.parse_args()
    if options.step:
        STEPS[options.step](options.images)
        used = resource.getrusage(resource.RUSAGE_SELF)
        seconds, peak = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
        print(f"{options.step}\t{seconds:.1f} CPU seconds\t{peak:.0f} MiB", flush=True)
        return 0
    with tempfile.TemporaryDirectory(prefix="million-") as folder:
        here = {"cwd": folder, "env": os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}}
        for step in STEPS:
            words = [sys.executable, "-m", __spec__.name, "--images", str(options.images), "--step", step]
            subprocess.run(words, check=True, **here)
    return 0


if __name__ == "__main__":
    sys.exit(main())
