"""`make audit` tells a weakness, none, and that it could not ask, apart."""

import json
import os
import subprocess
from pathlib import Path

import pytest

AUDIT = Path(__file__).parents[1] / ".ci" / "audit"
SAFE = {"name": "a", "version": "1", "vulns": []}
WEAK = {"name": "b", "version": "2", "vulns": [{"id": "X-1", "fix_versions": ["3"]}]}
UNKNOWN = {"name": "c", "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.parametrize(
    ("answer", "said", "code", "expected"),
    [
        ([SAFE, UNKNOWN], "", 0, "0 known weaknesses, 1 packages not in the database"),
        ([SAFE, WEAK], "", 1, "b 2: X-1, mended in 3\naudit: 1 known"),
        ([UNKNOWN, UNKNOWN], "", 0, "skipped, for the database knows no package (Dependency not"),
        (None, "ConnectionError: refused", 0, "skipped, for the database is out of reach (Conn"),
        (None, "invalid requirement", 1, "pip-audit failed: invalid requirement"),
    ],
)
def test_what_pip_audit_says_is_read_right(tmp_path, answer, said, code, expected):
    stand_in = tmp_path / "pip-audit"
    text = json.dumps({"dependencies": answer}) if answer else ""
    stand_in.write_text(f"#!/bin/sh\necho '{text}'\necho '{said}' >&2\nexit 1\n")
    stand_in.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [AUDIT], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == code
    assert expected in done.stdout + done.stderr
