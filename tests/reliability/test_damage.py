"""A flipped bit in a store that is read at random: no metrics.json, and only what is damaged is made again."""

import re
import shutil

import pytest

from depthg.cli import main
from tests.reliability.disturbed import artifacts, run
from tests.reliability.kills import project_in

TARGET = "results/mini/stego/seed0/metrics.json"
TOKENS = "resources/mini/train/features/tiny.zarr"


@pytest.mark.slow
def test_a_flipped_bit_of_a_token_stops_the_run_and_only_its_store_is_made_again(
    tmp_path, monkeypatch, capsys
):
    project = project_in(tmp_path / "project", parts=1)
    assert run(project, TARGET).status == 0
    expected = artifacts(project.folder)
    shard = project.folder / TOKENS / "tokens/c.7.0.0.0"
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    shutil.rmtree(project.folder / "results")

    stopped = run(project, TARGET)
    assert stopped.status == 1 and re.search(
        r"error: \S+tiny\.zarr: row 7 of 'tokens' cannot be read \(damaged\): `depthg verify \S+`",
        stopped.printed,
    )
    assert not (project.folder / TARGET).exists()
    monkeypatch.chdir(project.folder)
    assert main(["verify", "resources"]) == 1
    assert f"`depthg verify --reopen {TOKENS}`" in capsys.readouterr().err
    assert main(["verify", "resources", "--reopen"]) == 0
    again = run(project, TARGET)
    assert again.status == 0, again.printed
    plan = re.search(r"^5 jobs: (.*)$", again.printed, re.MULTILINE)
    assert plan and {job.split()[0] for job in plan[1].split(", ")} == {
        "features",
        "neighbors",
        "train",
        "cluster",
        "evaluate",
    }  # neighbours: only looked at
    assert artifacts(project.folder) == expected
