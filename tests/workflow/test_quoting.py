"""Names that a shell would run: of an image, its folder, and of the folder of all images."""

import re
import shlex

from .conftest import make_project

ROOT = "photos $(touch pwned)"


def test_no_name_is_run_by_the_shell(tmp_path):
    project = make_project(tmp_path)
    (project.folder / "photos").rename(project.folder / ROOT)
    first = next((project.folder / ROOT / "images").rglob("*.png"))
    label = project.folder / ROOT / "labels" / first.relative_to(project.folder / ROOT / "images")
    for path in (first, label):
        path.rename(path.with_name("`touch pwned`; touch pwned.png"))
    project.config["datasets"]["mini"]["root"] = ROOT
    done = project.snakemake("resources/mini/classes.csv")
    assert done.returncode == 0, done.stderr
    planned = project.snakemake("results/mini/ours/seed0/metrics.json", "--dry-run", "--printshellcmds")
    assert planned.returncode == 0, planned.stderr
    lines = (planned.stdout + planned.stderr).splitlines()
    commands = [line.partition("depthg ")[2] for line in lines if re.search(r"(^|\s)depthg ", line)]
    assert len(commands) >= 6 and any(ROOT in shlex.split(command) for command in commands)
    for command in commands:
        words = shlex.split(command)
        assert not {"touch", "pwned", "`touch", "$(touch"} & set(words), command
    assert not list(project.folder.rglob("pwned*"))
