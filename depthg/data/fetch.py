"""Fetching a benchmark data set: download its archives, or list those to get by hand, and unpack them."""

from pathlib import Path

from depthg.config.sections import Dataset
from depthg.data import loader
from depthg.data.records import check_root, root_of
from depthg.data.sources import Archive, DataSource, source_of
from depthg.data.unpack import unpack
from depthg.errors import DepthGError
from depthg.runtime.download import download, trust
from depthg.runtime.files import check_room, file_hash
from depthg.runtime.progress import info


def fetch(name: str, dataset: Dataset, catalogue: Path) -> None:
    """Download and unpack the missing files of a data set; `catalogue` is the path of workflow/datasets.yaml.

    Raises:
        DepthGError: a download failed, or a file must be got by hand; says from where and where to put it.
    """
    source, root = source_of(dataset.kind, catalogue), root_of(name, dataset)
    archives = _archives_to_get(name, dataset, source, root)
    if any(archive.url for archive in archives.values()):
        info(f"{name}: {source.terms}; see {source.page}")
    for file, archive in archives.items():
        path = root / file
        if archive.url is not None and not path.is_file():
            root.mkdir(parents=True, exist_ok=True)
            check_room(path, archive.bytes or 0)
            download(archive.url, path, archive.sha256, archive.bytes)
        if path.is_file():
            check_file(path, archive)
    by_hand = [file for file in archives if not (root / file).is_file()]
    if by_hand:
        raise DepthGError(
            f"{name}: {' and '.join(by_hand)}: {source.terms}: get them from {source.page}, put them into {root} "
            "as they are, and run this again"
        )
    unpack_all(name, dataset, catalogue)


def unpack_all(name: str, dataset: Dataset, catalogue: Path) -> None:
    """Unpack the archives in the folder of a data set; arguments as in `fetch`.

    Raises:
        DepthGError: an archive is damaged, or required files are missing afterwards.
    """
    source, root = source_of(dataset.kind, catalogue), root_of(name, dataset)
    for file, archive in source.files.items():
        if (root / file).is_file():
            count = unpack(root / file, root / archive.into, archive.members)
            info(f"{root / file}: {count:,} files in {root / archive.into}; the archive may be deleted")
    check_root(name, dataset)
    info(f"{name}: all is in place; `depthg data check {name}` reads every file")


def _archives_to_get(name: str, dataset: Dataset, source: DataSource, root: Path) -> dict[str, Archive]:
    """File name → archive, of the archives whose contents are missing or that are downloaded, also in part."""
    needs: dict[str, str] = loader(name, dataset.kind).NEEDS
    missing = {what for path, what in needs.items() if not (root / path).exists()}
    return {
        file: archive
        for file, archive in source.files.items()
        if file in missing or (root / file).is_file() or (root / f"{file}.part").is_file()
    }


def check_file(path: Path, archive: Archive) -> None:
    """Check the size and SHA-256 of an archive; one that is not known is noted when first seen, and printed.

    Raises:
        DepthGError: the size or the SHA-256 differs.
    """
    if archive.bytes is not None and path.stat().st_size != archive.bytes:
        raise DepthGError(
            f"{path}: {path.stat().st_size} bytes, {archive.bytes} expected: delete it and get it again"
        )
    digest = file_hash(path)
    if archive.sha256 is None:
        trust(path, path, digest)
        info(f"{path}: sha256 {digest}, as it was first seen here (the publisher names none)")
    elif digest != archive.sha256:
        raise DepthGError(f"{path}: sha256 {digest}, {archive.sha256} expected: delete it and get it again")
