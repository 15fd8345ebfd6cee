import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aepipe.errors import AepipeError
from aepipe.workspace import SOURCES, prepare
from flows.isolation import Isolated, ground, keep
from flows.reproduce import reproduce
from flows.workspaces import TRACKING, any_free, in_place, own, sweep
from tests.flows.cluster import commit, make_shared


@pytest.fixture
def clone(tmp_path) -> Path:
    return make_shared(tmp_path / "clone")


@pytest.mark.parametrize("shared", [str(TRACKING), str(SOURCES)])
def test_what_workspaces_share_is_none_of_gits(shared):
    """Else the link in its place is a change: models made there would be called dirty, and DVC
    could not save an experiment."""
    tree = Path(__file__).parents[2]
    asked = {"cwd": tree, "capture_output": True, "text": True, "check": False}
    assert subprocess.run(["git", "ls-files", shared], **asked).stdout == ""
    ignored = subprocess.run(["git", "check-ignore", "--no-index", shared], **asked).stdout
    assert ignored.strip() == shared


def test_a_run_leaves_its_workspace_clean_though_it_shares(clone):
    commit(clone, **{".gitignore": "/.aepipe\n/mlruns\n"})
    with ground(clone, Isolated()) as here:
        (here.folder / "mlruns" / "mlflow.db").touch()
        said = subprocess.run(
            ["git", "status", "--porcelain"],
            cwd=here.folder,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    assert said == ""
    assert (clone / "mlruns" / "mlflow.db").exists()


def use(clone: Path, name: str, days_ago: float = 0.0) -> Path:
    """A workspace that a run has left behind."""
    with own(clone, name) as folder:
        folder.mkdir()
        (folder / "result").touch()
    when = time.time() - days_ago * 86_400
    os.utime(folder.with_name(f"{name}.lock"), (when, when))
    return folder


def test_one_run_at_a_time_works_in_a_folder(clone):
    with in_place(clone), pytest.raises(AepipeError, match="another run is at work here"):
        in_place(clone).__enter__()
    with own(clone, "mine"), pytest.raises(AepipeError, match="another run is at work here"):
        own(clone, "mine").__enter__()
    with in_place(clone), own(clone, "mine"), own(clone, "yours"):
        pass


def test_a_run_that_was_killed_holds_nothing(clone):
    script = (
        "import os, signal; from pathlib import Path; from flows.workspaces import in_place\n"
        f"in_place(Path({str(clone)!r})).__enter__()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    tree = {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", script], env={**os.environ, **tree}, check=False)
    assert done.returncode == -9
    with in_place(clone):
        pass


def test_a_free_workspace_is_used_again_and_one_at_work_is_left_alone(clone):
    with any_free(clone, "worker") as first, any_free(clone, "worker") as second:
        assert (first.name, second.name) == ("worker-1", "worker-2")
    with any_free(clone, "worker") as again:
        assert again == first


def test_old_workspaces_and_those_beyond_the_number_are_removed(clone, monkeypatch):
    monkeypatch.setenv("AEPIPE_WORKSPACES_KEPT", "2")
    monkeypatch.setenv("AEPIPE_WORKSPACES_DAYS", "7")
    old = use(clone, "old", days_ago=8)
    older, newer, newest = (use(clone, f"run-{days}", days_ago=days) for days in (3, 2, 1))
    assert sweep(clone) == [older, old]
    assert [folder.exists() for folder in (old, older, newer, newest)] == [False, False, True, True]
    assert sweep(clone) == []


def test_a_workspace_at_work_is_never_removed(clone, monkeypatch):
    monkeypatch.setenv("AEPIPE_WORKSPACES_KEPT", "0")
    with own(clone, "mine") as folder:
        folder.mkdir()
        assert sweep(clone) == []
        assert folder.exists()
    assert sweep(clone) == [folder]


@pytest.mark.pipeline
def test_a_workspace_has_the_revision_the_cache_and_this_machines_settings(clone, tmp_path):
    first = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=clone, capture_output=True, text=True, check=True
    ).stdout.strip()
    commit(clone, seed="2\n")
    (clone / ".dvc" / "config.local").write_text("['remote \"here\"']\n    url = ../../remote\n")
    workspace = tmp_path / "deep" / "er" / "workspace"
    prepare(clone, workspace, "HEAD")
    assert (workspace / "seed").read_text() == "2\n"
    (workspace / "seed").write_text("3\n")
    prepare(clone, workspace, first)
    assert (workspace / "seed").read_text() == "1\n"
    assert dvc(workspace, "cache", "dir").strip() == str(clone / ".dvc" / "cache")
    assert dvc(workspace, "remote", "list").split() == ["here", str(tmp_path / "remote")]
    assert (clone / "seed").read_text() == "2\n"


@pytest.mark.pipeline
def test_a_run_is_kept_as_an_experiment_that_the_clone_lists_and_once(clone):
    commit(clone, **{"params.yaml": "a: 1\n"})
    with ground(clone, Isolated(keep="tried")) as first:
        (first.folder / "params.yaml").write_text("a: 2\n")
        assert Path(first.environment["AEPIPE_CHECKPOINTS"]).is_relative_to(clone)
        dvc(first.folder, "repro", "--quiet")
        keep(first.folder, "tried")
    assert "tried" in dvc(clone, "exp", "show", "--csv", "--no-pager")
    assert (clone / "params.yaml").read_text() == "a: 1\n"
    taken = ground(clone, Isolated(keep="tried"))
    with pytest.raises(AepipeError, match="keep: there is an experiment 'tried' of this revision"):
        taken.__enter__()


def dvc(folder: Path, *words: str) -> str:
    command = [sys.executable, "-m", "dvc", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def test_a_run_of_some_stages_that_is_to_be_kept_is_refused_before_it_starts(tmp_path):
    with pytest.raises(
        AepipeError, match="keep: DVC keeps whole runs only, and this one is of total"
    ):
        reproduce.fn(tmp_path, ("total",), isolated=Isolated(keep="tried"))
