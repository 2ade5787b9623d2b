"""Runs the benchmarks one after the other, each subject in a separate process.

    python -m benchmarks [--only training reading …] [--out benchmarks/results]

Writes a Markdown table and a JSON, anew after every subject; what is made up for it lies in a temporary folder,
0.7 GB at most.
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from benchmarks.ablation import derived
from benchmarks.measure import Growth, Row
from benchmarks.report import write
from benchmarks.subjects import SUBJECTS, run


def main() -> None:
    """Run the benchmarks, write and print the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--only", nargs="+", choices=SUBJECTS, default=SUBJECTS, help="subjects (default all)"
    )
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).with_name("results"), help="without .md, .json"
    )
    arguments = parser.parse_args()
    rows, grown, table = list[Row](), list[Growth](), ""
    for subject in arguments.only:
        print(f"{subject} …", flush=True)
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
            found = fresh.submit(run, subject).result()
        rows += [one for one in found if isinstance(one, Row)]
        grown += [one for one in found if isinstance(one, Growth)]
        table = write(arguments.out, [*rows, *derived(rows)], grown)
    print(table)
