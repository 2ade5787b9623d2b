"""Stores made in parts by the workflow are those made as a whole, and another number of parts makes nothing anew."""

import pytest

from .conftest import Project

STORES = ("crops", "depth/sensor", "features/tiny")
GEOMETRY = "resources/mini/train/geometry/tiny/sensor/small.zarr/complete.json"


def made(project: Project, parts: int) -> dict[str, bytes]:
    """The bytes of the stores, made by so many parts from nothing."""
    project.forget()
    project.config["parts"] = parts
    done = project.snakemake(GEOMETRY)
    assert done.returncode == 0, done.stdout + done.stderr
    files = {
        path.relative_to(project.folder): path
        for name in STORES
        for path in (project.folder / f"resources/mini/train/{name}.zarr").rglob("*")
        if path.is_file() and path.parent.name != "parts"
    }
    return {str(name): path.read_bytes() for name, path in files.items()}


@pytest.mark.slow
def test_in_three_parts_as_in_one(long):
    whole = made(long, 1)
    long.config["parts"] = 3
    assert "Nothing to be done" in long.snakemake(GEOMETRY, "--dry-run").stdout
    assert made(long, 3) == whole
    parts = sorted((long.folder / "resources/mini/train/crops.zarr/parts").iterdir())
    assert [path.name for path in parts] == ["1of3.json", "2of3.json", "3of3.json"]
    for number in (1, 4):
        long.config["parts"] = number
        assert "Nothing to be done" in long.snakemake(GEOMETRY, "--dry-run").stdout
