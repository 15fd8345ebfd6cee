"""A small pipeline with the shapes of the real one: branches, a foreach, a folder as dep."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flows.cluster import DVC_YAML, Cluster, make_shared


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """A fresh clone of the small pipeline; nothing has run in it."""
    return make_toy(tmp_path / "toy")


@pytest.fixture
def toys(tmp_path: Path) -> tuple[Path, Path]:
    """Two fresh clones of the small pipeline."""
    return make_toy(tmp_path / "one"), make_toy(tmp_path / "two")


def make_toy(root: Path) -> Path:
    root.mkdir()
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    (root / ".dvc").mkdir()
    (root / ".dvc" / "config").write_text("[core]\n    analytics = false\n")
    (root / ".dvcignore").write_text("")
    (root / "dvc.yaml").write_text(DVC_YAML)
    (root / "seed").write_text("1\n")
    (root / "layers").mkdir()
    return root


@pytest.fixture
def repro():
    """Run `dvc repro` with further arguments in a clone, and give what it says."""

    def run(root: Path, *arguments: str) -> str:
        command = [sys.executable, "-m", "dvc", "repro", *arguments]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
        return done.stdout

    return run


@pytest.fixture(scope="session")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    """A server that knows the deployments of ``prefect.yaml``, with a worker on each pool.

    The worker on ``cuda`` may do without it, as this machine has none.
    """
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        made.start_server()
        made.deploy()
        for pool in ("cpu", "cuda"):
            made.start_worker(pool, made.folder / f"{pool}-clone")
        yield made
    finally:
        made.close()


@pytest.fixture
def shared(tmp_path) -> tuple[Path, Path]:
    """A clone of the small pipeline, and a folder that is its remote."""
    (tmp_path / "remote").mkdir()
    return make_shared(tmp_path / "clone"), tmp_path / "remote"
