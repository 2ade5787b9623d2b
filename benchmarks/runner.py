"""Runs the benchmarks one after the other, each subject in a separate process.

    python -m benchmarks [--only training reading …] [--card] [--out benchmarks/results/cpu]

Writes a Markdown table and a JSON, anew after every subject, and prints the table; --only just prints, unless it is
told a file, as a part must not take the place of the whole. What is made up for it lies in a temporary folder, 0.7 GB
at most, and 3 GB with --card.
"""

import argparse
import sys
import traceback
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

from benchmarks.ablation import derived
from benchmarks.machine import machine_name
from benchmarks.measure import Result, Row
from benchmarks.report import described
from benchmarks.subjects import ON_CARD, SUBJECTS, run

RESULTS = Path(__file__).with_name("results")


def main() -> None:
    """Run the benchmarks, write and print the results; a subject that fails does not keep others from running."""
    arguments = _arguments()
    results, failed, table = list[Result](), list[str](), ""
    out = arguments.out or (None if arguments.only else RESULTS / machine_name())
    for subject in arguments.only or (ON_CARD if arguments.card else SUBJECTS):
        print(f"{subject} …", flush=True)
        start = perf_counter()
        try:
            results += _apart(subject)
        except Exception:
            traceback.print_exc()
            failed.append(subject)
        print(f"  {perf_counter() - start:.0f} s", flush=True)
        rows = [one for one in results if isinstance(one, Row)]
        table = described(out, [*results, *derived(rows)])
    print(table)
    if failed:
        sys.exit(f"not measured: {', '.join(failed)}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    every = (*SUBJECTS, *ON_CARD)
    parser.add_argument(
        "--only", nargs="+", choices=every, help="subjects (default: all but those of a card)"
    )
    parser.add_argument(
        "--card", action="store_true", help="what needs a card; without one, tiny sizes to try"
    )
    parser.add_argument(
        "--out", type=Path, help="without .md, .json (default, without --only: the machine's)"
    )
    return parser.parse_args()


def _apart(subject: str) -> list[Result]:
    """Results of a subject, from a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        return fresh.submit(run, subject).result()
