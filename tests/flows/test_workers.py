"""The flow with pools, through a real server and real workers, on the small pipeline."""

import re
import subprocess
import sys

import pytest

pytestmark = pytest.mark.pipeline


def table(said: str) -> dict[str, str]:
    """What the flow's closing table says became of each stage."""
    lines = [re.fullmatch(r"  (\S+) +(\S.*)", line) for line in said.splitlines()]
    return {match[1]: match[2] for match in lines if match}


def bare(clone, tmp_path) -> bytes:
    """The `dvc.lock` that `dvc repro` leaves in a clone of its own."""
    other = tmp_path / "bare"
    subprocess.run(["git", "clone", "--quiet", clone, other], check=True)
    subprocess.run([sys.executable, "-m", "dvc", "repro", "--quiet"], cwd=other, check=True)
    return (other / "dvc.lock").read_bytes()


def test_workers_leave_the_lock_of_one_repro_and_say_where_they_did_it(cluster, shared, tmp_path):
    clone, remote = shared
    done = cluster.reproduce(clone, "--workers", "--remote", str(remote))
    assert done.returncode == 0
    became = table(done.stdout + done.stderr)
    assert became["source"] == "ran on cpu (pool cpu)"
    wanted = "ran on cpu (pool cuda, without the CUDA that it promises)"
    assert became["layer@wide"] == became["layer@narrow"] == wanted
    assert (clone / "dvc.lock").read_bytes() == bare(clone, tmp_path)
