"""The rooms of the package, and that imports go one way between them: from the command line down."""

import ast
from pathlib import Path

import pytest

import depthg

PACKAGE = Path(depthg.__file__).parent
# From the floor up: a room may import from those before it.
ROOMS = (
    "errors",
    "runtime",
    "config",
    "store",
    "weights",
    "models",
    "demo",
    "data",
    "losses",
    "stages",
    "evaluation",
    "training",
    "inference",
    "report",
    "cli",
)
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE)


def imported_rooms(path: Path) -> set[str]:
    """The rooms of depthg that a module imports from, anywhere in it."""
    names = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    parts = (name.split(".") for name in names)
    return {part[1] for part in parts if part[0] == "depthg" and len(part) > 1 and part[1] in ROOMS}


def test_every_room_is_known():
    folders = {path.parent.relative_to(PACKAGE).parts[0] for path in MODULES}
    assert folders == set(ROOMS) - {"errors"}
    assert {path.stem for path in PACKAGE.glob("*.py")} == {"__init__", "errors"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down(path):
    own = ROOMS.index(path.relative_to(PACKAGE).parts[0])
    above = {room for room in imported_rooms(path) if ROOMS.index(room) > own}
    assert not above, f"{path.relative_to(PACKAGE)} imports from {above}"


def test_only_its_data_set_imports_the_demo():
    importers = {str(path.relative_to(PACKAGE)) for path in MODULES if "demo" in imported_rooms(path)}
    assert {name for name in importers if not name.startswith("demo/")} == {"data/demo.py", "cli/tools.py"}
