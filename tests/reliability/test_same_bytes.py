"""One seed gives the same bytes by one process or several, as a whole or in parts, resumed or not."""

from signal import SIGKILL

import pytest

from tests.reliability.disturbed import Hit, artifacts, run
from tests.reliability.kills import TARGET, project_in


@pytest.mark.slow
def test_cores_parts_and_kills_change_no_byte_from_images_to_metrics(tmp_path):
    alone, other = (project_in(tmp_path / f"parts{parts}", parts) for parts in (1, 3))
    done = alone.snakemake(TARGET, "--cores", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    for hit in (Hit(SIGKILL, "group", stage, 1.5) for stage in ("features", "train", "evaluate")):
        assert run(other, TARGET, hit).hit
    ended = run(other, TARGET)
    assert ended.status == 0, ended.printed
    made, expected = (but_for_parts(artifacts(project.folder)) for project in (other, alone))
    assert made.keys() == expected.keys()
    assert [name for name in made if made[name] != expected[name]] == []


def but_for_parts(made: dict[str, bytes]) -> dict[str, bytes]:
    """What was made, without the notes of which parts of a store are there."""
    return {name: content for name, content in made.items() if "/parts/" not in name}
