"""What `from depthg import …` gives."""

import inspect
import subprocess
import sys

import pytest

import depthg

TABLES = ("KERNELS", "SAMPLERS", "CAMERAS", "DEPTH_SOURCES", "HEADS", "OBJECTIVES")


@pytest.mark.parametrize("name", depthg.__all__)
def test_every_name_is_there_and_explained(name):
    found = getattr(depthg, name)
    assert name in TABLES or inspect.getdoc(found)


def test_each_choice_has_one_table():
    for table in TABLES:
        assert getattr(depthg, table), table


def test_an_unknown_name_is_an_error():
    with pytest.raises(AttributeError, match="nonsense"):
        depthg.nonsense  # noqa: B018


def test_importing_the_package_imports_nothing_heavy():
    code = "import depthg, sys; print(*{'torch', 'timm', 'zarr', 'pydantic', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
