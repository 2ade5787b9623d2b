"""Run the benchmarks, each subject in a process of its own, one after the other.

    python -m benchmarks [--only training reading …] [--out benchmarks/results]

Writes a Markdown table and a JSON; what is made up for it lies in a temporary folder, 0.7 GB at most.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from importlib import import_module
from io import StringIO
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measure import Growth, Row

SUBJECTS = (
    *("training", "points", "mixing", "neighbors", "features", "reading", "logits", "refinement"),
    *("commands", "growth"),
)


def run(subject: str) -> list[Row | Growth]:
    """What one subject measured."""
    with TemporaryDirectory() as folder, redirect_stdout(StringIO()):  # stages tell of every store
        return import_module(f"benchmarks.{subject}").measured(Path(folder))


def main() -> None:
    """Run, write, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--only", nargs="+", choices=SUBJECTS, default=SUBJECTS, help="subjects (default all)"
    )
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).with_name("results"), help="without .md, .json"
    )
    arguments = parser.parse_args()
    found: list[Row | Growth] = []
    for subject in arguments.only:
        print(f"{subject} …", flush=True)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
            found += fresh.submit(run, subject).result()
    from benchmarks.ablation import derived  # not above: workers of workers import this file as well
    from benchmarks.report import write

    rows = [one for one in found if isinstance(one, Row)]
    grown = [one for one in found if isinstance(one, Growth)]
    print(write(arguments.out, [*rows, *derived(rows)], grown))


if __name__ == "__main__":
    main()
