"""The command line: help that teaches, errors in one line, nothing heavy before it is needed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from depthg import __version__
from depthg.cli import COMMANDS, failures, main
from depthg.cli.options import MODELS, OPTIONS, Models


def run(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "depthg.cli", *arguments], capture_output=True, text=True, **options
    )


def test_help_lists_every_command(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    text = capsys.readouterr().out
    assert all(f"    {name.split()[0]}" in text for name in COMMANDS)


def test_help_of_a_group_lists_its_commands(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["figure", "--help"])
    text = capsys.readouterr().out
    assert all(f"    {name.split()[1]}" in text for name in COMMANDS if name.startswith("figure "))


def test_a_group_alone_asks_for_its_command(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["config"])
    assert "required: COMMAND" in capsys.readouterr().err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_every_command_is_explained(name, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([*name.split(), "--help"])
    assert "None" not in capsys.readouterr().out


def test_a_word_that_is_no_choice_is_refused(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["attention", "--mixing", "relaesed"])
    assert "--mixing: invalid choice: 'relaesed' (choose from" in capsys.readouterr().err


def test_options_table_has_no_stale_entries():
    used = {name for command in COMMANDS.values() for name in command.__annotations__}
    assert OPTIONS.keys() <= used


@pytest.mark.parametrize("name", MODELS)
def test_models_of_options_are_where_the_table_says(name):
    written = " ".join(
        str(kind) for command in COMMANDS.values() for kind in command.__annotations__.values()
    )
    assert name in written
    assert Models()[name]


def test_collecting_scores_does_not_wait_for_the_configuration():
    code = (
        "import sys; from depthg.cli import COMMANDS; from depthg.cli.options import make_parser; "
        "make_parser(COMMANDS, ['collect']); import depthg.evaluation.collect; print('pydantic' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"


def test_help_imports_nothing_heavy():
    heavy = "pydantic, torch, zarr, faiss, timm, matplotlib, sklearn, snakemake, transformers"
    code = f"import sys, depthg.cli; print(*[m for m in '{heavy}'.split(', ') if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == ""


def test_version(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out.strip() == __version__


def test_user_error_is_one_line_and_status_1(tmp_path, capsys):
    status = main(
        [
            "features",
            "--crops",
            str(tmp_path / "c.zarr"),
            "--name",
            "b",
            "--backbone",
            '{"model": "m"}',
            "--out",
            "x",
        ]
    )
    assert status == 1
    error = capsys.readouterr().err.splitlines()
    assert len(error) == 1 and error[0].startswith("error: ") and "does not exist" in error[0]


def test_error_reaches_the_terminal_when_output_goes_to_a_log(tmp_path):
    reader, writer = os.pipe()
    done = run(
        *[
            "features",
            "--crops",
            str(tmp_path / "c.zarr"),
            "--name",
            "b",
            "--backbone",
            '{"model": "m"}',
            "--out",
            "x",
        ],
        pass_fds=[writer],
        env=os.environ | {"DEPTHG_TERMINAL": str(writer)},
    )
    os.close(writer)
    with os.fdopen(reader) as terminal:
        assert any(line.startswith("error: ") for line in terminal)
    assert done.returncode == 1 and "error: " in done.stderr and "Traceback" not in done.stderr


def test_unexpected_error_leaves_its_traceback_in_the_log(monkeypatch, capsys):
    def broken(metrics: Path, out: Path):
        raise ZeroDivisionError("oh, at https://me:planted@host/a?token=planted")

    monkeypatch.setitem(COMMANDS, "scores", broken)
    assert main(["scores", "--metrics", "a", "--out", "b"]) == 1
    error = capsys.readouterr().err
    assert "Traceback" in error
    assert error.rstrip().endswith("error: unexpected ZeroDivisionError: oh, at https://…@host/a?token=…")


def test_a_reader_that_has_read_enough_is_no_error(request):
    path = request.config.rootpath / "config.yaml"
    command = f"{sys.executable} -m depthg.cli config show demo ours --config-file '{path}' | true"
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == ""


def test_full_disk_is_said_in_words(monkeypatch, capsys):
    def full(metrics: Path, out: Path):
        raise OSError(28, "No space left on device", "out.zarr")

    monkeypatch.setitem(COMMANDS, "scores", full)
    assert main(["scores", "--metrics", "a", "--out", "b"]) == 1
    assert "out.zarr: the disk is full: make room" in capsys.readouterr().err


def test_unknown_setting_of_a_stage(tmp_path, capsys):
    main(["neighbors", "--features", "f", "--settings", '{"kep": 3}', "--out", "x"])
    assert "unknown key 'kep': did you mean 'keep'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ('{"rooot": "a"}', "error: --dataset: unknown key 'rooot': did you mean 'root'?"),
        ('{"root": "a"', "error: --dataset: not JSON: "),
        ("own.yaml", "error: own.yaml: not YAML: "),
        ("none.yaml", "error: none.yaml: is missing"),
    ],
)
def test_an_option_that_is_no_settings_is_one_line_with_its_name(tmp_path, monkeypatch, capsys, given, said):
    monkeypatch.chdir(tmp_path)
    Path("own.yaml").write_text("root: [")
    assert main(["index", "--name", "mine", "--dataset", given, "--out", "out"]) == 1
    error = capsys.readouterr().err
    assert error.startswith(said) and error.count("\n") == 1


def test_metadata_that_is_no_json_is_one_line_with_its_option(capsys):
    assert main(["collect", "--header", "{", "--runs", "a", "--out", "b"]) == 1
    assert capsys.readouterr().err.startswith("error: --header: not JSON: ")


def test_config_show_prints_settings_and_origins(request, capsys):
    path = str(request.config.rootpath / "config.yaml")
    assert main(["config", "show", "demo", "ours+samples=9", "--config-file", path]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["sampling:", "fps", "#", "experiments:", "ours"] in lines
    assert ["samples:", "9", "#", "the", "name", "ours+samples=9"] in lines


def test_table_show_prints_what_there_is(request, capsys, tmp_path, monkeypatch):
    path = str(request.config.rootpath / "config.yaml")
    monkeypatch.chdir(tmp_path)
    assert main(["table", "show", "table6", "--dataset", "demo", "--config-file", path]) == 0
    assert "| none | demo_vit8 | not run |" in capsys.readouterr().out


def test_weights_are_named_by_position(request, capsys):
    path = str(request.config.rootpath / "config.yaml")
    assert main(["weights", "fetch", "exact", "--config-file", path, "--offline"]) == 0
    assert "exact: needs no published weights" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["weights", "fetsch", "exact"])
    assert "invalid choice: 'fetsch'" in capsys.readouterr().err


@pytest.mark.parametrize("part", ["5/4", "0/4", "three"])
def test_a_part_that_is_none_is_explained(part, capsys):
    words = ["features", "--crops", "c", "--name", "n", "--backbone", '{"model": "m"}', "--out", "o.zarr"]
    assert main([*words, "--part", part]) == 1
    assert f"error: --part {part}: no such part: write 1/4 … 4/4" in capsys.readouterr().err


def test_a_part_that_is_missing_is_named(tmp_path, capsys):
    words = ["features", "--crops", "c", "--name", "n", "--backbone", '{"model": "m"}']
    assert main([*words, "--out", str(tmp_path / "f.zarr"), "--part", "all/3"]) == 1
    assert "f.zarr: part 1/3 is not finished" in capsys.readouterr().err


@pytest.mark.parametrize("number", failures.REFUSED)
def test_what_the_system_refuses_is_one_line(monkeypatch, capsys, number):
    def refused(metrics: Path, out: Path):
        raise OSError(number, os.strerror(number), "a/b")

    monkeypatch.setitem(COMMANDS, "scores", refused)
    assert main(["scores", "--metrics", "a", "--out", "b"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: a/b: ") and error.count("\n") == 1 and "same command again" in error


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("[enforce fail] . DefaultCPUAllocator: can't allocate memory")]
)
def test_want_of_memory_is_one_line(monkeypatch, capsys, error):
    def hungry(metrics: Path, out: Path):
        raise error

    monkeypatch.setitem(COMMANDS, "scores", hungry)
    assert main(["scores", "--metrics", "a", "--out", "b"]) == 1
    assert capsys.readouterr().err.startswith("error: not enough memory: use fewer threads")
