"""Verifying in a small repository of its own, whose stages write weights without training."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from safetensors.numpy import load_file, save_file

from aepipe.errors import RegistryError, VerificationError
from aepipe.models.digest import model_digest
from aepipe.registry.recorded import Recorded
from aepipe.registry.verify import verify_rebuilt, verify_restored
from aepipe.workspace import environment

pytestmark = pytest.mark.pipeline
MAKE = """
import sys
from pathlib import Path
import numpy as np
from safetensors.numpy import save_file
scale = float(Path("params.yaml").read_text().split()[1])
Path("data").mkdir(exist_ok=True)
if sys.argv[1] == "data":
    np.save("data/rows.npy", np.arange(4, dtype=np.float32) * scale)
else:
    Path("models/toy").mkdir(parents=True)
    Path("models/toy/model.json").write_text("{}")
    save_file({"w": np.load("data/rows.npy") + 1}, "models/toy/weights.safetensors")
"""
DVC = f"""
stages:
  ingest:
    cmd: {sys.executable} make.py data
    params: [scale]
    deps: [make.py]
    outs: [data/rows.npy]
  toy:
    cmd: {sys.executable} make.py model
    deps: [data/rows.npy]
    outs: [models/toy]
"""


def run(*words: str, folder: Path) -> str:
    done = subprocess.run(
        words, cwd=folder, env=environment(), capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """A repository whose pipeline has run."""
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "make.py").write_text(MAKE)
    (folder / "dvc.yaml").write_text(DVC)
    (folder / "params.yaml").write_text("scale: 1.0\n")
    (folder / ".gitignore").write_text("/data/\n/models/\n/.aepipe/\n")
    run("git", "init", "--quiet", folder=folder)
    run("dvc", "init", "--quiet", folder=folder)
    run("dvc", "repro", folder=folder)
    run("git", "add", ".", folder=folder)
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    run("git", *who, "commit", "--quiet", "-m", "all", folder=folder)
    return folder


@pytest.fixture
def recorded(root, tmp_path) -> Recorded:
    """What a registry would have kept of its model."""
    files = tmp_path / "files"
    (files / "provenance").mkdir(parents=True)
    for name in ("dvc.lock", "params.yaml"):
        shutil.copy(root / name, files / "provenance" / name)
    shutil.copytree(root / "models" / "toy", files / "artifacts" / "model")
    tags = {
        "aepipe.folder": "models/toy",
        "aepipe.kind": "encoder",
        "aepipe.digest": model_digest(root / "models" / "toy"),
        "aepipe.git_revision": run("git", "rev-parse", "HEAD", folder=root),
    }
    return Recorded("toy", "1", tags, files)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def monitor(said) -> SimpleNamespace:
    return SimpleNamespace(remark=said.append, warn=said.append)


def test_the_same_recipe_gives_the_same_bytes_whatever_lies_in_the_folder(
    root, recorded, monitor, said
):
    (root / "params.yaml").write_text("scale: 5.0\n")
    verify_restored(root, recorded, monitor)
    shutil.rmtree(root / ".dvc" / "cache")
    verify_rebuilt(root, recorded, monitor)
    assert said[0] == "toy version 1: restored from the cache, the weights are the same bytes"
    assert said[1].endswith("2 stages from the source data: the weights are the same bytes")
    assert run("git", "worktree", "list", folder=root).count("\n") == 0
    assert (root / "params.yaml").read_text() == "scale: 5.0\n"
    with pytest.raises(RegistryError, match=r"neither the cache nor a remote .*--rebuild trains"):
        verify_restored(root, recorded, monitor)


def test_other_weights_are_told_with_how_much_and_since_which_stage(root, recorded, monitor):
    weights = recorded.files / "artifacts" / "model" / "weights.safetensors"
    save_file({"w": load_file(weights)["w"] * 2}, weights)
    with pytest.raises(VerificationError, match=r"than dvc\.lock had recorded: the weights differ"):
        verify_restored(root, recorded, monitor)
    with pytest.raises(VerificationError, match="all stages came out as recorded, so the regis"):
        verify_rebuilt(root, recorded, monitor)
    (recorded.files / "provenance" / "params.yaml").write_text("scale: 3.0\n")
    text = recorded.lock.read_text()
    (made,) = {line.split()[1] for line in text.splitlines() if "md5:" in line} & {
        run("md5sum", "make.py", folder=root).split()[0]
    }
    recorded.lock.write_text(text.replace(made, "f" * 32))  # as if the code had been another
    with pytest.raises(VerificationError) as caught:
        verify_rebuilt(root, recorded, monitor)
    assert str(caught.value).endswith(
        "2 stages: the weights differ by at most 2 (in w), relatively 0.25; different since stage "
        "ingest; it read other make.py, for files had differed from the revision"
    )


def test_a_revision_that_is_not_here_is_said_with_what_may_bring_it(root, recorded, monitor):
    elsewhere = replace(recorded, tags=recorded.tags | {"aepipe.git_revision": "1" * 40})
    with pytest.raises(RegistryError, match="its revision can't be had; `git fetch` may bring it"):
        verify_restored(root, elsewhere, monitor)
    tags = {key: value for key, value in recorded.tags.items() if "git" not in key}
    with pytest.raises(RegistryError, match="was registered outside a git repository"):
        verify_rebuilt(root, replace(recorded, tags=tags), monitor)
