"""Which images a command names, and what their masks are called."""

import glob
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from depthg.data.formats import ignored_files, image_suffixes, readable_suffixes
from depthg.data.records import read_images
from depthg.data.walk import check_name, files_below
from depthg.errors import DepthGError
from depthg.runtime.progress import info


class Input(NamedTuple):
    """An image, and its name below the folder that is written, without a suffix."""

    path: Path
    name: str

    @property
    def file(self) -> str:
        """The path of the image itself below the folder that was given, with its suffix."""
        whole = Path(os.path.abspath(self.path))
        return Path(*whole.parts[-len(Path(self.name).parts) :]).as_posix()

    @property
    def state(self) -> dict[str, int]:
        """Bytes of the file and the time of its last change in ns: an image that has changed has others.

        Raises:
            OSError: the file is not there.
        """
        about = self.path.stat()
        return {"bytes": about.st_size, "changed": about.st_mtime_ns}


def find_inputs(given: Sequence[Path]) -> list[Input]:
    """The images of files, folders, globs and tables of images (images.csv), each once, in order.

    Below a folder or the fixed part of a glob, names keep their folders. Images with the same name keep their suffix.

    Raises:
        DepthGError: something does not exist, a folder may not be read, a name is not UTF-8, there is no image, or two
            images would be written to the same file.
    """
    tables = [path for path in given if path.suffix == ".csv" and path.is_file()]
    named = [*_listed(tables), *(pair for path in given if path not in tables for pair in _of(path))]
    for path, _ in named:
        check_name(path)
    found = {path.resolve(): Input(path, name) for path, name in named}
    if not found:
        raise DepthGError(
            f"{' '.join(map(str, given))}: no image: a table lists none, or a glob matches only folders"
        )
    inputs = _distinct(list(found.values()))
    twice = [name for name, count in Counter(one.name for one in inputs).items() if count > 1]
    if twice:
        same = [str(one.path) for one in inputs if one.name == twice[0]]
        raise DepthGError(
            f"{' and '.join(same)} would both be written as {twice[0]}.png: give the folder above them instead"
        )
    return inputs


def _of(given: Path) -> Iterator[tuple[Path, str]]:
    """The images of one argument with their names, suffix included."""
    if given.is_dir():
        return _below(given, _images(given))
    if given.exists():
        return iter([(given, given.name)])
    paths = sorted(Path(path) for path in glob.glob(str(given), recursive=True))
    if not paths:
        raise DepthGError(f"{given}: no such image or folder, and no file that it matches as a glob")
    return _below(_fixed(given), [path for path in paths if path.is_file()])


def _listed(tables: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """The images of all tables, named below the folder that they have in common."""
    paths = [Path(record.path) for table in tables for record in read_images(table)]
    whole = [Path(os.path.abspath(path)) for path in paths]  # of which only some may be relative
    folder = os.path.commonpath([path.parent for path in whole]) if whole else ""
    return zip(paths, (path.relative_to(folder).as_posix() for path in whole), strict=True)


def _fixed(pattern: Path) -> Path:
    """The folders of a glob before its first special part."""
    parts = pattern.parts
    first = next((i for i, part in enumerate(parts) if glob.has_magic(part)), len(parts) - 1)
    return Path(*parts[:first])


def _below(folder: Path, paths: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    return ((path, path.relative_to(folder).as_posix()) for path in paths)


def _images(folder: Path) -> list[Path]:
    """The images at any depth, found as the stage `index` finds them; other files are told."""
    files = files_below(folder)
    found = [path for path in files if path.name.lower().endswith(image_suffixes())]
    if not found:
        raise DepthGError(f"{folder}: no images ({readable_suffixes()}) in this folder")
    if said := ignored_files(set(files) - set(found)):
        info(f"{folder}: {said}")
    return found


def _distinct(inputs: list[Input]) -> list[Input]:
    """Names without suffix, but where two images would then have the same one."""
    bare = Counter(os.path.splitext(one.name)[0] for one in inputs)
    return [
        one._replace(name=stem) if bare[stem := os.path.splitext(one.name)[0]] == 1 else one for one in inputs
    ]
