"""Checking what was made: stores against their checksums, results against what they say that they were made from."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

from depthg.errors import DepthGError
from depthg.evaluation.collect import summarise_seeds
from depthg.evaluation.origin import check_alike, check_seed, read_metrics
from depthg.report.made import made_below, stores_below
from depthg.runtime.progress import info
from depthg.store.arrays import MARKER
from depthg.store.reader import Store
from depthg.store.verify import find_damage
from depthg.store.verify import reopen as reopen_shards


def verify(path: Path, reopen: bool) -> None:
    """Check a store, or all stores and results below a folder; prints a line for each that is whole and each fault.

    Args:
        path: a store, its marker file, or a folder.
        reopen: mark the shards of damaged rows as unfinished.

    Raises:
        DepthGError: something is damaged or mixed, and not marked; names the commands that make it again.
    """
    stores, runs = _stores(path), [] if _is_store(path) else _runs(path)
    remedies = [remedy for store in stores if (remedy := _check_store(Store(store), reopen))]
    faults = [fault for run in runs for fault in _faults(run)]
    for fault in faults if len(faults) > 1 or remedies else ():
        info(fault)
    if remedies:
        raise DepthGError(f"{path}: damaged: {'; '.join(remedies)}")
    if faults:
        raise DepthGError(faults[0] if len(faults) == 1 else f"{path}: {len(faults)} faults, named above")
    if runs:
        info(f"{path}: {len(runs)} results belong to what they say that they were made from")
    elif not stores:
        raise DepthGError(
            f"{path}: neither a complete store nor a folder with any, or with results: nothing to check"
        )


def _is_store(path: Path) -> bool:
    return path.name == MARKER or path.suffix == ".zarr"


def _stores(path: Path) -> list[Path]:
    """The store at a path, or the complete ones below it."""
    return [path] if _is_store(path) else [one for one in stores_below(path) if (one / MARKER).is_file()]


def _runs(path: Path) -> list[Path]:
    """Folders of seeds and of experiments that have results, seeds first; the weights of others are no results."""
    made = list(made_below(path))
    folders = {file.parent for file in made if file.name == "metrics.json"}
    folders |= {file.parent for file in made if file.suffix == ".safetensors" and _is_seed(file.parent)}
    return sorted(folders, key=lambda folder: (not _is_seed(folder), folder))


def _is_seed(folder: Path) -> bool:
    return folder.name.removeprefix("seed").isdecimal()


def _check_store(store: Store, reopen: bool) -> str | None:
    """Compare all checksums of a store; what there is to do, if any is wrong and its shards were not marked."""
    damages = list(find_damage(store))
    for damage in damages:
        info(f"{store.path}: {damage}")
    remake = f"`snakemake --cores 2 {store.path / MARKER}` makes their shards again"
    if not damages:
        info(f"{store.path}: all {len(store)} rows of {', '.join(store.names)} agree with their checksums")
    elif reopen:
        reopen_shards(store, damages)
        info(f"{store.path}: {remake}")
    else:
        return f"after `depthg verify --reopen {store.path}`, {remake}"
    return None


def _faults(folder: Path) -> Iterator[str]:
    """What is wrong with a seed, or with the scores of an experiment over its seeds."""
    metrics = folder / "metrics.json"
    try:
        if not _is_seed(folder):
            _check_experiment(metrics)
            return
        check_seed(folder, read_metrics(metrics) if metrics.is_file() else {})
        for file in folder.glob("*.npz"):
            _check_archive(file)
    except DepthGError as error:
        yield str(error)


def _check_experiment(path: Path) -> None:
    """Check that the scores of an experiment are those of its seeds, as far as these are still there."""
    found = read_metrics(path)
    seeds = {seed: path.parent / f"seed{seed}" / "metrics.json" for seed in found["seeds"]}
    if not all(file.is_file() for file in seeds.values()):
        return
    check_alike({file: read_metrics(file) for file in seeds.values()})
    expected = summarise_seeds({seed: read_metrics(file) for seed, file in seeds.items()})
    if other := [name for name, value in expected.items() if found.get(name, value) != value]:
        raise DepthGError(
            f"{path}: {other[0]} is not what its seeds say: make it again with `snakemake --cores 2 --force {path}`"
        )


def _check_archive(path: Path) -> None:
    """Compare the checksums of a npz file."""
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except (OSError, zipfile.BadZipFile):
        damaged = "all"
    if damaged:
        raise DepthGError(
            f"{path}: damaged ({damaged}): make it again with `snakemake --cores 2 --force {path}`"
        )
