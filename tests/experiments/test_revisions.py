"""Two revisions side by side, in a repository made on the spot."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from aepipe.__main__ import main
from aepipe.errors import ArtifactError, ParamsError
from aepipe.experiments.revisions import find_side

pytestmark = pytest.mark.pipeline


def results(error: float, accuracy: float) -> dict:
    values = {"code_size": 8, "squared_error": error, "accuracy_linear": accuracy, "ssim": 0.9}
    bounds = {
        name: {"low": value - 0.02, "high": value + 0.02}
        for name, value in values.items()
        if name != "code_size"
    }
    return {
        "test": {"samples": 200, "confidence": 0.95},
        "representations": {"vae": values},
        "intervals": {"vae": bounds},
    }


def git(root: Path, *words: str) -> str:
    who = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    done = subprocess.run(
        ["git", *who, *words], cwd=root, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def lock(root: Path, content: dict | None) -> None:
    """Write what `dvc repro` would leave of `compare`: the lock, and the file in the cache."""
    stages = {}
    if content is not None:
        text = json.dumps(content)
        digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
        cached = root / ".dvc" / "cache" / "files" / "md5" / digest[:2] / digest[2:]
        cached.parent.mkdir(parents=True, exist_ok=True)
        cached.write_text(text)
        stages["compare"] = {"outs": [{"path": "reports/metrics.json", "md5": digest}]}
    with (root / "dvc.lock").open("w") as file:
        YAML().dump({"schema": "2.0", "stages": stages}, file)


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """Commits `none`, `old` and `new`, an experiment of DVC's and one in a workspace."""
    root = tmp_path_factory.mktemp("repository")
    git(root, "init", "--quiet")
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet"], cwd=root, check=True)
    (root / ".gitignore").write_text("reports\n.aepipe\n")
    for name, content in (
        ("none", None), ("old", results(2.0, 0.9)), ("kept", results(3.0, 0.8)),
        ("new", results(1.0, 0.91)),
    ):  # fmt: skip
        lock(root, content)
        git(root, "add", ".")
        git(root, "commit", "--quiet", "--message", name)
        if name == "kept":
            git(root, "update-ref", "refs/exps/ab/cdef/lazy-owl", "HEAD")
        else:
            git(root, "tag", name)
    for place, error in (("reports", 5.0), (".aepipe/experiments/tried/reports", 6.0)):
        (root / place).mkdir(parents=True)
        (root / place / "metrics.json").write_text(json.dumps(results(error, 0.5)))
    return root


@pytest.mark.parametrize(
    ("name", "error"),
    [("old", 2.0), ("new", 1.0), ("HEAD", 1.0), ("HEAD~1", 3.0), ("lazy-owl", 3.0),
     ("workspace", 5.0), ("tried", 6.0)],
)  # fmt: skip
def test_a_name_means_a_revision_an_experiment_or_the_files_as_they_are(root, name, error):
    assert find_side(root, name).figures["vae", "squared_error"] == error


def test_what_is_not_there_is_said_with_what_to_do(root):
    with pytest.raises(ParamsError, match="nowhere: neither a git revision nor an experiment"):
        find_side(root, "nowhere")
    with pytest.raises(ArtifactError, match=r"none: its dvc\.lock knows no reports/metrics"):
        find_side(root, "none")
    cached = [path for path in (root / ".dvc" / "cache").rglob("*") if path.is_file()]
    lost = next(path for path in cached if '"squared_error": 2.0' in path.read_text())
    text = lost.read_text()
    lost.unlink()
    try:
        with pytest.raises(ArtifactError, match=r"not in the cache; `dvc fetch --all-commits"):
            find_side(root, "old")
    finally:
        lost.write_text(text)


def test_the_command_tells_which_figures_differ_beyond_their_intervals(root, monkeypatch, capsys):
    monkeypatch.chdir(root)
    assert main(["compare", "old", "new"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["representation", "figure", "old", "new", "difference"]
    error, accuracy = lines[1:3]
    assert "2.000 (1.980 to 2.020)  1.000 (0.9800 to 1.020)" in error
    assert error.endswith("\N{MINUS SIGN}1.00  beyond intervals")
    assert accuracy.endswith("+0.010  within intervals")
    assert lines[3].startswith(
        "4 figures in both: 1 differ beyond their intervals, 1 within them, 2 are equal."
    )
    assert main(["compare", "old", "nowhere"]) == 2
    assert capsys.readouterr().err.startswith("aepipe compare: nowhere: neither a git revision")
