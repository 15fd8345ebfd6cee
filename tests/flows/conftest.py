"""A small pipeline with the shapes of the real one: branches, a foreach, a folder as dep."""

import subprocess
import sys
from pathlib import Path

import pytest

# Declared in an order that differs from the one in which it runs, and from the alphabet.
DVC_YAML = """\
stages:
  total:
    cmd: cat layers/*/codes side > total
    deps: [layers, side]
    outs: [total]
  side:
    cmd: cat source > side
    deps: [source]
    outs: [side]
  layer:
    foreach:
      wide: {input: source, seconds: 0.0}
      narrow: {input: layers/wide, seconds: 0.0}
    do:
      cmd: sleep ${item.seconds}; mkdir layers/${key}; echo ${key} > layers/${key}/codes
      deps: ["${item.input}"]
      outs: ["layers/${key}"]
      meta: {pool: cuda}
  source:
    cmd: cat seed > source
    deps: [seed]
    outs: [source]
"""


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
