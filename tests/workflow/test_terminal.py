"""What a user sees of a run: in a pipe, on a terminal, and when something is wrong."""

import os
import pty
import re

import pytest

from depthg.report.status.text import status_lines

from .conftest import Project, make_project

DEPTH = "resources/mini/train/depth/sensor.zarr/complete.json"
NOTICE = "Using workflow specific profile"  # of Snakemake, before there is a logger


@pytest.fixture(scope="module")
def own(tmp_path_factory) -> Project:
    """A project of these tests."""
    return make_project(tmp_path_factory.mktemp("terminal"))


def on_a_terminal(project: Project, target: str) -> tuple[str, int]:
    """What a run prints on a terminal, and its exit status."""
    call = project.call(target)
    child, terminal = pty.fork()
    if not child:
        os.chdir(call["cwd"])
        os.execvpe(call["args"][0], call["args"], call["env"] | {"TERM": "xterm"})
    printed = b""
    while True:
        try:
            printed += (some := os.read(terminal, 1 << 16))
        except OSError:  # the other end is closed
            break
        if not some:
            break
    os.close(terminal)
    return printed.decode(), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_run_in_a_pipe_has_a_line_a_job_and_seeds_share_one(finished):
    assert "\x1b" not in finished.printed and "\r" not in finished.printed
    (plan,) = re.findall(r"^(\d+) jobs: (.*)$", finished.printed, re.M)
    counted = sum(int(words.split()[1]) for words in plan[1].split(", "))
    done = re.findall(r"^ *(\d+)/(\d+)  mini: .*: (?:\d+ s|\d+:\d\d)( in all)?$", finished.printed, re.M)
    assert counted == int(plan[0]) and {of for _, of, _ in done} == {plan[0]}
    numbers = [int(number) for number, _, _ in done]
    assert numbers == sorted(set(numbers)) and numbers[-1] == counted
    shared = re.findall(r"^ *\d+/\d+  mini: (.*), 2 seeds: ", finished.printed, re.M)
    assert shared == ["train ours_3dlhp", "cluster the codes of ours_3dlhp", "evaluate ours_3dlhp"]
    assert len(done) == counted - len(shared) and "seed 1" not in finished.printed
    assert finished.printed.splitlines()[-1].startswith("all done: ")
    assert "Reason:" not in finished.printed and "CalledProcessError" not in finished.printed


def test_a_failure_on_a_terminal_ends_in_its_error(own, monkeypatch):
    (own.folder / "photos/depth/sensor/train/2.png").unlink()
    printed, status = on_a_terminal(own, DEPTH)
    assert status == 1
    assert "\x1b[?25l" in printed  # a line that changes was drawn
    assert printed.index("\x1b[?25h") < printed.index("failed after")  # the cursor is shown at once
    assert re.search(r"0 of 3 jobs +[━╸╺]+ ", re.sub(r"\x1b\[[\d;]*m", "", printed))
    plain = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", printed).splitlines()
    log = "logs/mini/train/depth/sensor.log"
    assert plain[-2] == f"rule depth, for {DEPTH}, log {log}"
    assert plain[-1].startswith("error: photos/depth/sensor/train/2.png: no such depth map")
    assert (own.folder / log).read_text().splitlines()[-1] == plain[-1]
    monkeypatch.chdir(own.folder)
    told = list(status_lines(["resources/mini"], own.folder / "mini.yaml"))
    assert told[0].split() == ["made", "30", "rows", "resources/mini/train/crops.zarr"]
    assert told[-1] == "no run of Snakemake goes on here"


@pytest.mark.parametrize(
    ("target", "config", "error"),
    [
        (
            "results/mini/oers/metrics.json",
            {},
            "config.yaml: unknown experiment 'oers': did you mean 'ours'?",
        ),
        ("results/mini/ours/metrics.json", {"step": 5}, "unknown setting 'step': did you mean 'steps'?"),
    ],
)
def test_a_wrong_word_is_one_line(own, target, config, error):
    settings = own.config.pop("settings", None)
    own.config |= {"settings": config} if config else {}
    done = own.snakemake(target)
    own.config.pop("settings", None)
    own.config |= {"settings": settings} if settings else {}
    assert done.returncode == 1 and done.stdout == ""
    notice, line = done.stderr.splitlines()
    assert notice.startswith(NOTICE) and line.startswith("error: ") and line.endswith(error)
