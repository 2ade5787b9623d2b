"""Names that a shell would run: of an image, its folder, a data set, an experiment."""

import re
import shlex

NAME = "mini; touch pwned"
ROOT = "photos $(touch pwned)"


def test_no_name_is_run_by_the_shell(project):
    (project.folder / "photos").rename(project.folder / ROOT)
    first = next((project.folder / ROOT / "images").rglob("*.png"))
    label = project.folder / ROOT / "labels" / first.relative_to(project.folder / ROOT / "images")
    for path in (first, label):
        path.rename(path.with_name("`touch pwned`; touch pwned.png"))
    own = project.config["datasets"].pop("mini")
    project.config["datasets"][NAME] = own | {"root": ROOT}
    project.config["experiments"] = {"a&touch pwned": {}}
    done = project.snakemake(f"resources/{NAME}/classes.csv")
    assert done.returncode == 0, done.stderr
    planned = project.snakemake(
        f"results/{NAME}/a&touch pwned/seed0/metrics.json", "--dry-run", "--printshellcmds"
    )
    assert planned.returncode == 0, planned.stderr
    lines = (planned.stdout + planned.stderr).splitlines()
    commands = [line.partition("depthg ")[2] for line in lines if re.search(r"(^|\s)depthg ", line)]
    assert len(commands) >= 6
    for command in commands:
        words = shlex.split(command)
        assert not {"touch", "pwned", "&touch"} & set(words), command
        assert any(NAME in word for word in words)
    assert not list(project.folder.rglob("pwned*"))
