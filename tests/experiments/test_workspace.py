"""Experiments run for real: in a folder of their own, with the cache of the repository."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.pipeline
ROOT = Path(__file__).parents[2]
EXPERIMENT = """
experiment: {title: T, source: S, targets: [pca], cost: none, expected: nothing}
params: {seed: 5}
"""


@pytest.fixture
def repository(tmp_path, monkeypatch) -> Path:
    """What git tracks or would track, committed; and none of the machine's own settings."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    folder = tmp_path / "repository"
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    (folder / "experiments" / "tried.yaml").write_text(EXPERIMENT)
    for key in os.environ:
        if key.startswith(("MLFLOW_", "AEPIPE_", "DVC_")):
            monkeypatch.delenv(key)
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    for words in (["init", "--quiet"], ["add", "."], [*who, "commit", "--quiet", "-m", "all"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "aepipe", "experiment", *arguments],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_an_experiment_runs_beside_the_persons_own_work_and_only_once(repository):
    lock = (repository / "dvc.lock").read_bytes()
    first = run(repository, "run", "tried")
    assert first.returncode == 0, first.stderr
    assert "Running stage 'pca'" in first.stdout
    workspace = repository / ".aepipe" / "experiments" / "tried"
    assert (workspace / "models" / "pca" / "model.json").is_file()
    assert "seed: 5" in (workspace / "params.yaml").read_text()
    assert not (repository / "models").exists()
    assert (repository / "dvc.lock").read_bytes() == lock
    status = subprocess.run(
        ["git", "status", "--porcelain"],
        cwd=repository, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert status.stdout == ""

    shutil.rmtree(workspace)
    again = run(repository, "run", "tried")
    assert again.returncode == 0, again.stderr
    assert "Running stage" not in again.stdout  # all of it comes from the shared cache
    assert (workspace / "models" / "pca" / "model.json").is_file()


def test_changes_that_are_not_committed_are_named_since_they_do_not_take_part(repository):
    with (repository / "aepipe" / "errors.py").open("a") as file:
        file.write("# changed\n")
    done = run(repository, "run", "tried")
    assert "not committed, so not in the experiment: aepipe/errors.py" in done.stdout + done.stderr


def test_a_stage_that_fails_ends_the_experiment_with_the_way_to_go_on(repository):
    path = repository / "experiments" / "tried.yaml"
    path.write_text(path.read_text().replace("seed: 5", "data: {source: {kind: idx, folder: no}}"))
    done = run(repository, "run", "tried")
    assert done.returncode == 2
    assert "a stage failed, as it says above" in done.stderr
    assert "Traceback" not in done.stderr
