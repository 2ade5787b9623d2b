"""The whole demo by stage, as `snakemake` runs it, and then an additional experiment on its cached artifacts."""

import csv
from pathlib import Path
from time import perf_counter

from benchmarks.commands import SNAKEMAKE, running
from benchmarks.measure import Cost, Row, disk_mb
from depthg.store.arrays import MARKER
from depthg.store.reader import Store

FIRST, FURTHER = (f"results/demo/{name}/metrics.json" for name in ("ours_3dlhp", "ours"))
RENDERED = 210  # images
ONCE = "run once, as Snakemake runs it; its memory is all that a process holds, what it imports included"


def measured(root: Path) -> list[Row]:
    """A row for every stage of the first run, then one for each of the two runs."""
    first = _run(root, FIRST)
    stages = [_stage(root, log) for log in sorted((root / "logs").rglob("*.tsv"))]
    whole = Row(
        "the whole demo",
        f"{RENDERED} images rendered, `{FIRST}`",
        first,
        disk_mb=disk_mb(root / "resources", root / "results"),
        note=ONCE,
    )
    further = Row("a further one", f"`{FURTHER}`", _run(root, FURTHER), first, "the whole demo", note=ONCE)
    return [*stages, whole, further]


def _run(folder: Path, target: str) -> Cost:
    work, start = running(folder, (*SNAKEMAKE, target)), perf_counter()
    work()
    return Cost((perf_counter() - start,))


def _stage(root: Path, log: Path) -> Row:
    """A job's benchmark record by Snakemake and, if it wrote a store, the number of crops and bytes."""
    with log.open() as stream:
        noted = next(csv.DictReader(stream, delimiter="\t"))
    name = log.relative_to(root / "logs" / "demo").with_suffix("")
    store = root / "resources" / "demo" / name.with_suffix(".zarr")
    made = (store / MARKER).exists()  # by the job: its log lies where its store does
    return Row(
        f"demo: {name}",
        "",
        Cost((float(noted["s"]),), float(noted["max_rss"]) * 1.048576),
        items=len(Store(store)) if made else 1,
        item="crops" if made else "pass",
        disk_mb=disk_mb(store) if made else None,
        note=ONCE,
    )
