"""A folder of its own for each experiment: the code of HEAD, other params, the same cache."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from aepipe.errors import AepipeError

FOLDER = Path(".aepipe/experiments")
SOURCES = Path("data/sources")  # files that a person has put there; git and DVC know none of them


def prepare(root: Path, name: str, params: str) -> Path:
    """Give the workspace of experiment ``name``: a git worktree at HEAD with ``params``.

    What it has made before stays, so that DVC runs what differs; DVC's cache is that of ``root``.

    Args:
        root: top folder of the repository.
        name: of the experiment.
        params: text of its ``params.yaml``.

    Raises:
        AepipeError: ``root`` is no git repository, or git or DVC refuse.
    """
    workspace = root / FOLDER / name
    if (workspace / ".git").exists():
        _run(["git", "checkout", "--quiet", "--force", "--detach", _head(root)], workspace)
    else:
        shutil.rmtree(workspace, ignore_errors=True)  # a leftover that git does not know
        _run(["git", "worktree", "prune"], root)
        _run(["git", "worktree", "add", "--quiet", "--detach", str(workspace), "HEAD"], root)
    cache = _run(["dvc", "cache", "dir"], root).strip()
    _run(["dvc", "cache", "dir", "--local", cache], workspace)
    if (root / SOURCES).exists() and not (workspace / SOURCES).exists():
        (workspace / SOURCES).symlink_to((root / SOURCES).resolve())
    (workspace / "params.yaml").write_text(params, encoding="utf-8")
    return workspace


def reproduce(workspace: Path, targets: Sequence[str]) -> None:
    """Bring ``targets`` up to date in ``workspace``; what the stages print appears as it comes.

    Raises:
        AepipeError: a stage failed; it has said why.
    """
    done = subprocess.run(["dvc", "repro", *targets], cwd=workspace, env=environment(), check=False)
    if done.returncode:
        raise AepipeError(
            f"a stage failed, as it says above; `cd {workspace}` and `dvc repro "
            f"{' '.join(targets)}` go on from there"
        )


def uncommitted(root: Path) -> list[str]:
    """List changed files of the code, which a workspace does not see."""
    lines = _run(["git", "status", "--porcelain", "--", "aepipe", "dvc.yaml"], root).splitlines()
    return [line[3:] for line in lines]


def environment() -> dict[str, str]:
    """Give stages this Python, and the ``aepipe`` of the workspace they run in."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path}


def _head(root: Path) -> str:
    return _run(["git", "rev-parse", "HEAD"], root).strip()


def _run(command: Sequence[str], folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip() or f"exit code {done.returncode}"
        raise AepipeError(f"`{' '.join(command)}` in {folder} failed: {said}")
    return done.stdout
