"""The lines of a run, from records such as Snakemake's."""

import logging
import os
import re
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry

from depthg.report.terminal.failures import SILENT
from depthg.report.terminal.handler import LogHandler
from depthg.report.terminal.siblings import note_siblings
from depthg.runtime.notes import FOLDER

PLAIN = dict.fromkeys(("dryrun", "printshellcmds", "verbose", "debug_dag", "stdout", "nocolor"), False)


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    """Where handlers make their folders."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def make_handler(**settings) -> LogHandler:
    return LogHandler(
        SimpleNamespace(**{**PLAIN, "quiet": None, "show_failed_logs": False, **settings}), None
    )


def tell(handler: LogHandler, event, msg="", level=logging.INFO, at=0.0, **told) -> None:
    """Hand a record over, as made `at` seconds after 1970."""
    record = logging.LogRecord("snakemake", level, "", 0, msg, (), None)
    vars(record).update(told, created=at, **({"event": event} if event else {}))
    handler.handle(record)


def run(handler: LogHandler, log: Path, ends: bool) -> None:
    """Two jobs, of which the second ends well or fails."""
    tell(handler, None, "Building DAG of jobs...")
    tell(handler, LogEvent.RUN_INFO, stats={"crops": 1, "train": 1, "total": 2})
    first = {"rule_msg": "mine: crop \n", "rule_name": "crops", "output": ["crops.zarr"], "log": []}
    second = {"rule_msg": None, "rule_name": "train", "output": ["model"], "log": [str(log)]}
    tell(handler, LogEvent.JOB_INFO, jobid=7, **first)
    tell(handler, LogEvent.JOB_FINISHED, job_id=7, at=12.4)
    tell(handler, LogEvent.JOB_INFO, jobid=3, at=20.0, **second)
    if ends:
        tell(handler, LogEvent.JOB_FINISHED, job_id=3, at=242.0)
    else:
        tell(handler, LogEvent.JOB_ERROR, level=logging.ERROR, jobid=3, at=21.0, **second)
        tell(handler, None, "Exiting because a job execution failed. Look below", logging.ERROR)
        final = "WorkflowError:\nAt least one job did not complete successfully."
        tell(handler, LogEvent.ERROR, final, logging.ERROR, exception="WorkflowError")
    handler.close()


def test_snakemake_finds_the_plugin():
    assert LoggerPluginRegistry().get_plugin("depthg").log_handler is LogHandler


def test_each_job_has_a_line(capsys, tmp_path):
    run(make_handler(), tmp_path / "log", ends=True)
    printed = capsys.readouterr().err
    assert re.sub(r"(all done: ).*", r"\1…", printed).splitlines() == [
        "2 jobs: crops 1, train 1",
        "1/2  mine: crop: 12 s",
        "2/2  train: 3:42",
        "all done: …",
    ]


def test_the_error_of_a_job_comes_last(capsys, tmp_path):
    log = tmp_path / "train.log"
    log.write_text("trains\nerror: first\nTraceback (most recent call last):\nerror: crops.zarr: damaged\n")
    run(make_handler(), log, ends=False)
    assert capsys.readouterr().err.splitlines()[2:] == [
        "1/2  train: failed after 1 s",
        f"rule train, for model, log {log}",
        "error: crops.zarr: damaged",
    ]


def test_a_job_that_is_tried_again_did_not_fail(capsys):
    handler = make_handler()
    job = {"jobid": 1, "rule_msg": "crop", "rule_name": "crops", "output": ["crops.zarr"], "log": []}
    tell(handler, LogEvent.RUN_INFO, stats={"crops": 1, "total": 1})
    for event in (LogEvent.JOB_INFO, LogEvent.JOB_ERROR, LogEvent.JOB_INFO):
        tell(handler, event, **job)
    tell(handler, LogEvent.JOB_FINISHED, job_id=1)
    handler.close()
    printed = capsys.readouterr().err
    assert "failed after" in printed and "error" not in printed and "all done" in printed


def test_what_slurm_says_of_each_job_is_left_out(capsys):
    handler = make_handler()
    for said in (
        "SLURM run ID: 0a2dfe68-9232-4246-ba39-f5e975f14496",
        "Job 6 has been submitted with SLURM jobid 1001 (log: .snakemake/slurm_logs/rule_train/1001.log).",
        "Cleaning up SLURM log files older than 10 day(s).",
        "Job 6 was requeued.",
    ):
        tell(handler, None, said)
    handler.close()
    assert capsys.readouterr().err == "Job 6 was requeued.\n"


def test_jobs_of_a_group_fail_with_its_log(capsys, tmp_path):
    (tmp_path / "slurm.log").write_text("slurmstepd: out of memory\n")
    handler, job = make_handler(), {"jobid": 1, "rule_name": "train", "output": ["model"], "log": []}
    tell(handler, LogEvent.JOB_INFO, rule_msg="train", **job)
    tell(handler, LogEvent.GROUP_ERROR, job_error_info=[job], aux_logs=[str(tmp_path / "slurm.log")])
    handler.close()
    assert capsys.readouterr().err.endswith("; its last line: slurmstepd: out of memory\n")


def test_an_interrupted_run_is_no_error(capsys):
    handler = make_handler()
    job = {"jobid": 1, "rule_msg": "crop", "rule_name": "crops", "output": ["crops.zarr"], "log": []}
    tell(handler, LogEvent.RUN_INFO, stats={"crops": 1, "total": 1})
    tell(handler, LogEvent.JOB_INFO, **job)
    tell(handler, None, "Terminating processes on user request, this might take some time.")
    tell(handler, LogEvent.JOB_ERROR, at=2.0, **job)
    handler.close()
    assert capsys.readouterr().err.splitlines()[1:] == [
        "0/1  crop: stopped after 2 s",
        "interrupted: the same command goes on where it stopped",
    ]


def test_a_run_that_waits_for_its_jobs_says_so_and_still_names_what_failed(capsys):
    handler = make_handler()
    job = {"jobid": 1, "rule_msg": "crop", "rule_name": "crops", "output": ["crops.zarr"], "log": []}
    tell(handler, LogEvent.RUN_INFO, stats={"crops": 1, "train": 1, "total": 2})
    tell(handler, LogEvent.JOB_INFO, **job)
    for _ in range(2):  # as SIGTERM makes Snakemake do
        tell(handler, None, "Will exit after finishing currently running jobs (scheduler).")
    tell(handler, LogEvent.JOB_ERROR, at=2.0, **job)
    handler.close()
    assert capsys.readouterr().err.splitlines()[1:] == [
        "asked to end: waits for 1 job to be done",
        "0/2  crop: failed after 2 s",
        "rule crops, for crops.zarr",
        f"error: {SILENT}",
        "interrupted: the same command goes on where it stopped",
    ]


def train(seed: int, experiment: str = "ours") -> dict:
    """What Snakemake tells of a training."""
    wildcards = {"dataset": "demo", "experiment": experiment, "seed": str(seed)}
    message = f"demo: train {experiment}, seed {seed}"
    known = {"rule_msg": message, "rule_name": "train", "output": [f"seed{seed}"], "log": []}
    return {"jobid": 100 * len(experiment) + seed, "wildcards": wildcards, **known}


def expect(*jobs: dict) -> None:
    """Tell a handler of jobs as the workflow does at its start."""
    rule = SimpleNamespace(name="train")
    note_siblings(SimpleNamespace(rule=rule, wildcards_dict=job["wildcards"]) for job in jobs)


def test_seeds_share_a_line_and_other_experiments_have_their_own(capsys):
    handler, seeds, other = make_handler(), [train(seed) for seed in range(3)], train(0, "stego")
    tell(handler, LogEvent.RUN_INFO, stats={"train": 4, "total": 4})
    expect(*seeds, other)
    for start, job in enumerate([*seeds, other]):
        tell(handler, LogEvent.JOB_INFO, at=10.0 * start, **job)
        tell(handler, LogEvent.JOB_FINISHED, job_id=job["jobid"], at=10.0 * start + 9)
    handler.close()
    assert capsys.readouterr().err.splitlines()[1:3] == [
        "3/4  demo: train ours, 3 seeds: 27 s in all",
        "4/4  demo: train stego, seed 0: 9 s",
    ]


def test_a_seed_that_fails_is_named_by_itself(capsys):
    handler, seeds = make_handler(), [train(seed) for seed in range(3)]
    tell(handler, LogEvent.RUN_INFO, stats={"train": 3, "total": 3})
    expect(*seeds)
    for job in seeds:
        tell(handler, LogEvent.JOB_INFO, **job)
    tell(handler, LogEvent.JOB_FINISHED, job_id=seeds[0]["jobid"], at=9.0)
    tell(handler, LogEvent.JOB_ERROR, at=4.0, **seeds[1])
    tell(handler, LogEvent.JOB_FINISHED, job_id=seeds[2]["jobid"], at=5.0)
    handler.close()
    assert capsys.readouterr().err.splitlines()[1:] == [
        "1/3  demo: train ours, seed 1: failed after 4 s",
        "2/3  demo: train ours, 2 of 3 seeds: 14 s in all",
        "rule train, for seed1",
        f"error: {SILENT}",
    ]


def test_what_jobs_tell_is_passed_on_once_without_their_errors(capsys):
    handler = make_handler()
    with (Path(os.environ[FOLDER]) / "lines").open("a") as lines:
        lines.write("no GPU\nno GPU\nwarning: few images\nerror: no room\n")
    handler.close()
    assert capsys.readouterr().err == "  no GPU\n  warning: few images\n"
    assert FOLDER not in os.environ


@pytest.mark.parametrize("quiet", [{Quietness.RULES}, {Quietness.PROGRESS, Quietness.RULES}])
def test_quiet_leaves_warnings_and_errors(capsys, tmp_path, quiet):
    (tmp_path / "log").write_text("error: no room\n")
    handler = make_handler(quiet=quiet)
    tell(handler, None, "something is odd", logging.WARNING)
    run(handler, tmp_path / "log", ends=False)
    words = ["something is odd", f"rule train, for model, log {tmp_path / 'log'}", "error: no room"]
    assert capsys.readouterr().err.splitlines() == words


def test_quiet_all_says_nothing(capsys, tmp_path):
    run(make_handler(quiet={Quietness.ALL}), tmp_path / "log", ends=False)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("more", ["dryrun", "printshellcmds", "verbose", "debug_dag"])
def test_who_asks_for_more_has_snakemakes_own_output(capsys, more):
    handler = make_handler(**{more: True})
    tell(handler, None, "Building DAG of jobs...")
    tell(
        handler, LogEvent.ERROR, 'DepthGError in file "x", line 3:\nwrong\n  File "x", line 3', logging.ERROR
    )
    handler.close()
    shown = capsys.readouterr().err
    assert shown.startswith("Building DAG of jobs...\n")
    assert ("File" in shown) == (more == "verbose") and ("\nerror: wrong\n" in shown) == (more != "verbose")
    assert FOLDER not in os.environ
