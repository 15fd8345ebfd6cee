"""What one machine has computed is everyone's, over SSH."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import ssh
from tests.postgres import Missing

pytestmark = pytest.mark.pipeline

STAGES = {"source", "side", "layer@wide", "layer@narrow", "total"}


@pytest.fixture(scope="module")
def server() -> Iterator[ssh.Server]:
    try:
        with ssh.running() as running:
            yield running
    except Missing as reason:
        pytest.skip(str(reason))


def dvc(clone: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *words],
        cwd=clone,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_second_clone_takes_everything_from_an_ssh_remote(server, toys, tmp_path, repro):
    one, two = toys
    storage = tmp_path / "storage"
    for clone in toys:
        url = f"ssh://{server.user}@127.0.0.1:{server.port}{storage}"
        dvc(clone, "remote", "add", "--default", "storage", url)
        dvc(clone, "remote", "modify", "--local", "storage", "keyfile", str(server.key))
    assert repro(one).count("Running stage") == len(STAGES)
    dvc(one, "push", "--run-cache")
    assert list((storage / "runs").rglob("*"))

    said = repro(two, "--pull")
    assert "Running stage" not in said
    assert said.count("is cached") == len(STAGES)
    assert (two / "dvc.lock").read_bytes() == (one / "dvc.lock").read_bytes()
    assert (two / "total").read_text() == (one / "total").read_text()
