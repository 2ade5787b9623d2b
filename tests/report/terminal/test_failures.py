"""Errors in one line, from texts as Snakemake 9 writes them."""

import pytest

from depthg.report.terminal.failures import SILENT, TAIL, error_in, error_of

RAISED = """DepthGError in file "/x/rules/common.smk", line 19:
config.yaml: settings: unknown key 'step': did you mean 'steps'?
  File "/x/rules/common.smk", line 19, in <module>
  File "/x/depthg/config/project.py", line 12, in load_project"""
IN_FUNCTION = """InputFunctionException in rule train in file "/x/rules/train.smk", line 7:
Error:
  DepthGError: config.yaml: unknown experiment 'oers': did you mean 'ours'?
Wildcards:
  dataset=demo
Traceback:
  File "/x/rules/common.smk", line 56, in settings_of"""
NO_RULE = """MissingRuleException:
No rule to produce results/x (if you use input functions make sure that they don't raise unexpected exceptions)."""
NO_YAML = """WorkflowError:
Config file is not valid JSON or YAML. In case of YAML, make sure to not mix whitespace and tab indentation."""
IN_NO_FILE = "WorkflowError:\nTarget rules may not contain wildcards."
OTHER = """NameError in file "/x/Snakefile", line 3:
name 'a' is not defined
  File "/x/Snakefile", line 3, in <module>"""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (RAISED, "config.yaml: settings: unknown key 'step': did you mean 'steps'?"),
        (IN_FUNCTION, "config.yaml: unknown experiment 'oers': did you mean 'ours'?"),
        (
            NO_RULE,
            "results/x: no rule makes this: see `snakemake --help` and the README for what can be made",
        ),
        (
            NO_YAML,
            "config.yaml, or what --configfile names, is no YAML: `depthg config show demo auto` says where, for the "
            "latter with `--config-file` and its path",
        ),
        (IN_NO_FILE, "Target rules may not contain wildcards."),
        (OTHER, "NameError in file \"/x/Snakefile\", line 3:\nname 'a' is not defined"),
    ],
)
def test_only_what_is_wrong_remains(text, line):
    assert error_of(text) == line


@pytest.mark.parametrize(
    ("texts", "line"),
    [
        (["starts\nerror: no room\nends\n"], "no room"),
        (["starts\nwarning: few images\n\n"], f"{SILENT}; its last line: warning: few images"),
        (["error: of the job\n", "of the cluster\n"], "of the job"),
        (["x" * TAIL + "\nerror: late\n"], "late"),
        ([b"\xff\n".decode("latin-1")], f"{SILENT}; its last line: ÿ"),
        ([""], SILENT),
        ([], SILENT),
    ],
)
def test_a_log_has_the_error(tmp_path, texts, line):
    logs = [tmp_path / f"{number}.log" for number in range(len(texts))]
    for log, text in zip(logs, texts, strict=True):
        log.write_text(text)
    assert error_in(map(str, [*logs, tmp_path / "missing.log"])) == line
