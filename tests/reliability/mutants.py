"""Mutation testing: of the slips that `mutations.py` can make in a module, how many does a test notice?

    python -m tests.reliability.mutants depthg/losses/depth.py

The tests of a module are collected once; each mutant is tried in a fork of that process, by the tests that run the
changed function, until one fails or lasts too long. Properties are tried on few examples, always the same ones. It
prints every survivor and a table, and fails if one stands without a reason in survivors.yaml. It works in a copy of
the repository: tests that start processes find the mutant there.
"""

import ast
import os
import pickle
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple, NoReturn

import pytest
import torch  # noqa: F401  # once, and not in every fork
import yaml
from _pytest.runner import runtestprotocol

from tests.reliability.grafting import graft
from tests.reliability.mutations import Mutant, mutants

ROOT = Path(__file__).parents[2]
REASONS = Path("tests/reliability/survivors.yaml")
MODULES = {
    "losses": ["chunks", "correlation", "depth", "hidden_positives", "terms"],
    "stages": ["camera", "crops", "draws", "geometry", "neighbors", "schedule"],
    "evaluation": ["metrics"],
    "training": ["batch", "batches", "guidance", "hidden_positives", "lhp", "pools", "sampling"],
    "store": sorted(path.stem for path in (ROOT / "depthg/store").glob("[a-z]*.py")),
}
# Where a module is tested, if not in its mirror file alone.
TESTS = {
    "stages/draws": ["tests/training/test_draws.py", "tests/training/test_batches.py"],
    "stages/schedule": ["tests/training/test_scheduled.py"],
    "training/batch": ["tests/training/test_batches.py"],
}
EXAMPLES = 12
COPY = "DEPTHG_MUTANTS"  # set, in the copy, to its folder
PATIENCE, LEAST = 10, 30.0  # a mutant may take so many times what the tests took, and seconds more
FILE_BYTES = 2**30  # that a mutant may write to a file


class Trial(NamedTuple):
    """What a test is known to do without a mutant.

    Attributes:
        name: id of the test.
        runs: the functions of the module that it runs, as the lines at which they begin.
        seconds: how long it takes.
    """

    name: str
    runs: set[int]
    seconds: float


class Found(NamedTuple):
    """What became of the mutants of a module."""

    module: str
    tried: int
    survivors: list[Mutant]


def main() -> int:
    modules = sys.argv[1:] or [f"depthg/{room}/{name}.py" for room in MODULES for name in MODULES[room]]
    if os.environ.get(COPY) != str(ROOT):  # nothing is ever changed in the repository itself
        return in_a_copy(modules)
    reasons = yaml.safe_load(REASONS.read_text()) or {}
    print("| module | mutants killed | survivors |\n|---|---|---|", flush=True)
    found = []
    for module in modules:
        found.append(in_a_fork(partial(try_module, module)))
        print(row(found[-1], reasons.get(module, {})), flush=True)
    tried, left = sum(one.tried for one in found), sum(len(one.survivors) for one in found)
    print(f"{tried - left} of {tried} killed, {1 - left / max(tried, 1):.1%}")
    unexplained = [
        one for one in found if any(m.after not in reasons.get(one.module, {}) for m in one.survivors)
    ]
    return bool(unexplained)


def in_a_copy(modules: list[str]) -> int:
    """Run this again in a copy of the files under version control, and of those that are not yet."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = str(Path(folder).resolve())
        for name in listing.stdout.decode().split("\n")[:-1]:
            target = Path(copy, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
        alone = {COPY: copy, "PYTHONPATH": copy, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "tests.reliability.mutants", *modules]
        return subprocess.run(command, cwd=copy, env=os.environ | alone).returncode


def row(found: Found, reasons: dict[str, str]) -> str:
    """A row of the table in docs/reliability.md."""
    known = Counter(reasons.get(mutant.after, "**no reason**") for mutant in found.survivors)
    killed = f"{found.tried - len(found.survivors)} of {found.tried}"
    whys = ", ".join(why if count == 1 else f"{why} ({count})" for why, count in known.items())
    return f"| `{found.module.removeprefix('depthg/').removesuffix('.py')}` | {killed} | {whys} |"


def try_module(module: str) -> Found:
    """Try every mutant of a module, given as its path in the repository."""
    room, name = module.split("/")[1], Path(module).stem
    hunt = Hunt(module)
    tests = TESTS.get(f"{room}/{name}", [f"tests/{room}/test_{name}.py"])
    options = [
        "-qq",
        "--no-header",
        "--no-summary",
        "--tb=no",
        "--assert=plain",
        "-p",
        "no:cacheprovider",
        f"--basetemp={ROOT}/.tried",
    ]
    status = pytest.main([*options, *tests], plugins=[hunt])
    if hunt.found is None:
        raise SystemExit(f"{module}: its tests cannot be collected (status {status})")
    return hunt.found


class Hunt:
    """A pytest plugin that runs the collected tests against each mutant of a module."""

    def __init__(self, module: str):
        self.module, self.file, self.source = module, ROOT / module, (ROOT / module).read_text()
        self.found: Found | None = None
        self.items: dict[str, pytest.Item] = {}
        self.running: list[set[int]] = []  # what the test and its fixtures have run so far
        self.fixtures: dict[Any, set[int]] = {}

    def pytest_sessionstart(self) -> None:
        import hypothesis  # pytest wants to be the first to import its plugins

        only = [hypothesis.Phase.explicit, hypothesis.Phase.generate]
        few = hypothesis.settings(
            max_examples=EXAMPLES, phases=only, derandomize=True, database=None, deadline=None
        )
        hypothesis.settings.register_profile("mutants", few)
        hypothesis.settings.load_profile("mutants")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.items = {item.nodeid: item for item in session.items}
        trials = in_a_fork(self.undisturbed)
        whole, kills = sum(trial.seconds for trial in trials), Counter[str]()
        functions, survivors, tried = functions_of(self.source), [], 0
        for mutant in mutants(self.source):
            begin = next((first for first, last in functions if first <= mutant.line <= last), None)
            chosen = [trial for trial in trials if begin is None or begin in trial.runs]
            chosen.sort(key=lambda trial: (-kills[trial.name], trial.seconds))
            killer = self.killer(mutant, [trial.name for trial in chosen], PATIENCE * whole + LEAST)
            kills[killer], tried = kills[killer] + 1, tried + 1
            if not killer:
                survivors.append(mutant)
                print(
                    f"{self.module}:{mutant.line}: {mutant.before}  →  {mutant.after}",
                    file=sys.stderr,
                    flush=True,
                )
        self.found = Found(self.module, tried, survivors)
        return True

    def undisturbed(self) -> list[Trial]:
        """Run all tests once, and note what they run of the module."""
        trials = []
        for name, item in self.items.items():
            start, fixtures = time.monotonic(), item._fixtureinfo.name2fixturedefs.values()
            with self.recorded() as runs:
                if failure_of(item):
                    raise SystemExit(f"{name} fails without a mutant")
            used = [self.fixtures.get(fixture, set()) for same in fixtures for fixture in same]
            trials.append(Trial(name, runs.union(*used), time.monotonic() - start))
        return trials

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        with self.recorded() as runs:
            made = yield
        self.fixtures.setdefault(fixturedef, set()).update(runs)
        return made

    @contextmanager
    def recorded(self) -> Iterator[set[int]]:
        """The functions of the module that are run meanwhile."""
        own, name = set[int](), str(self.file)
        self.running.append(own)

        def note(frame: FrameType, event: str, argument: object) -> None:
            if event == "call" and frame.f_code.co_filename == name:
                for runs in self.running:
                    runs.add(frame.f_code.co_firstlineno)

        sys.setprofile(note)
        threading.setprofile(note)
        try:
            yield own
        finally:
            self.running.pop()
            if not self.running:
                sys.setprofile(None)
                threading.setprofile(None)

    def killer(self, mutant: Mutant, names: list[str], seconds: float) -> str:
        """The test that notices a mutant; empty if none does."""
        self.file.write_text(ast.unparse(mutant.tree))  # for processes that tests start

        def first_failure() -> str:
            graft(sys.modules[self.module.removesuffix(".py").replace("/", ".")], mutant.tree)
            return next((name for name in names if failure_of(self.items[name])), "")

        try:
            return in_a_fork(first_failure, seconds)
        except Ended:  # it cannot be imported, takes too long, too much memory
            return "an end of its process"
        finally:
            self.file.write_text(self.source)


def failure_of(item: pytest.Item) -> bool:
    """Run a test; whether it or its fixtures fail."""
    return any(report.failed for report in runtestprotocol(item, nextitem=None, log=False))


def functions_of(source: str) -> list[tuple[int, int]]:
    """First line, that of a decorator if there is one, and last line of the outermost functions of a module."""
    tree = ast.parse(source)
    bodies = [tree.body, *(node.body for node in tree.body if isinstance(node, ast.ClassDef))]
    found = [node for body in bodies for node in body if isinstance(node, ast.FunctionDef)]
    starts = [min([node.lineno, *(at.lineno for at in node.decorator_list)]) for node in found]
    return [(start, node.end_lineno or start) for start, node in zip(starts, found, strict=True)]


class Ended(Exception):
    """A fork ended without a result."""


def in_a_fork(call: Callable[[], Any], seconds: float | None = None) -> Any:
    """What a call gives in a copy of this process.

    Raises:
        Ended: it failed, or gave nothing in time; it is ended, with all that it has started.
    """
    here, there = os.pipe()
    child = os.fork()
    if not child:
        _answer(call, there, seconds)
    os.close(there)
    with open(here, "rb") as answer:
        ready, _, _ = select.select([answer], [], [], seconds)
        try:
            if not ready:
                raise Ended
            return pickle.load(answer)
        except EOFError:
            raise Ended from None
        finally:
            if seconds:
                _kill_group(child)
            os.waitpid(child, 0)


def _answer(call: Callable[[], Any], there: int, seconds: float | None) -> NoReturn:
    """Write what a call gives, and end."""
    try:
        if seconds:
            os.setsid()
            resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
            resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
        with open(there, "wb") as answer:
            pickle.dump(call(), answer)
        os._exit(0)
    except BaseException as error:
        if not seconds:  # of a mutant that is no news
            print(f"{type(error).__name__}: {error}", file=sys.__stderr__, flush=True)
        os._exit(1)


def _kill_group(leader: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


if __name__ == "__main__":
    raise SystemExit(main())
