"""The audit of the locked packages says when it could not ask about all: pip-audit only warns of what it skipped."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLEAN = {"name": "a", "version": "1", "vulns": []}
BAD = {"name": "b", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}
SKIPPED = {"name": "c", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("packages", "status", "says"),
    [
        ([CLEAN], 0, "1 packages asked about, 0 known vulnerabilities"),
        ([CLEAN, BAD], 1, "b 2: CVE-1; mended in: 3"),
        ([CLEAN, SKIPPED], 2, "not audited: the service knows 1 of 2 packages: not found: run it where"),
        ([], 2, "not audited: the service knows 0 of 0 packages: nothing is listed: run it where"),
        (None, 2, "not audited: the vulnerability service is out of reach: no route: run it where"),
    ],
)
def test_only_what_was_asked_about_is_called_clean(tmp_path, packages, status, says):
    tool = tmp_path / "pip-audit"
    printed = "" if packages is None else json.dumps({"dependencies": packages})
    tool.write_text(f"#!/bin/sh\necho 'Traceback\nno route' >&2\ncat <<'END'\n{printed}\nEND\nexit 1\n")
    tool.chmod(0o755)
    env = os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [sys.executable, ROOT / ".ci/audit.py"], env=env, capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == status and says in done.stdout + done.stderr
