"""Experiments run for real: in a folder of their own, with the cache of the repository."""

import json
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
figures:
  format: {what: format, file: models/pca/model.json, at: format, decimals: 0, better: lower}
params: {seed: 5}
"""


FAILING = EXPERIMENT.replace("seed: 5", "data: {source: {kind: idx, folder: no}}")


@pytest.fixture
def repository(tmp_path) -> Path:
    return make_repository(tmp_path / "repository", EXPERIMENT)


@pytest.fixture(scope="module")
def failed(tmp_path_factory) -> subprocess.CompletedProcess[str]:
    """An experiment whose first stage fails, beside a change that is not committed."""
    folder = make_repository(tmp_path_factory.mktemp("failed") / "repository", FAILING)
    with (folder / "aepipe" / "errors.py").open("a") as file:
        file.write("# changed\n")
    return run(folder, "run", "tried")


def make_repository(folder: Path, experiment: str) -> Path:
    """What git tracks or would track, and an experiment, committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    (folder / "experiments" / "tried.yaml").write_text(experiment)
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    for words in (["init", "--quiet"], ["add", "."], [*who, "commit", "--quiet", "-m", "all"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return folder


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Call ``aepipe experiment``, without any of the machine's own settings."""
    own = ("MLFLOW_", "AEPIPE_", "DVC_")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(own)}
    return subprocess.run(
        [sys.executable, "-m", "aepipe", "experiment", *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
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


def test_a_finished_run_is_kept_by_dvc_and_its_figures_can_be_recorded(repository):
    assert run(repository, "run", "tried").returncode == 0
    references = subprocess.run(
        ["git", "for-each-ref", "refs/exps"],
        cwd=repository, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert any(line.endswith("/tried") for line in references.splitlines())
    recorded = run(repository, "record", "tried", "--note", "a note")
    assert recorded.returncode == 0, recorded.stderr
    kept = json.loads((repository / "experiments" / "results" / "tried.json").read_text())
    assert kept["figures"]["format"]["value"] == 1
    assert kept["note"] == "a note"

    workspace = repository / ".aepipe" / "experiments" / "tried"
    (workspace / "models" / "pca" / "model.json").unlink()
    unfinished = run(repository, "record", "tried")
    assert unfinished.returncode == 2
    assert "not all of its targets are up to date" in unfinished.stderr


def test_changes_that_are_not_committed_are_named_since_they_do_not_take_part(failed):
    said = failed.stdout + failed.stderr
    assert "not committed, so not in the experiment: aepipe/errors.py" in said


def test_a_stage_that_fails_ends_the_experiment_with_the_way_to_go_on(failed):
    assert failed.returncode == 2
    assert "a stage failed, as it says above" in failed.stderr
    assert "Traceback" not in failed.stderr
