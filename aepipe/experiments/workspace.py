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
    check_out(root, workspace, "HEAD")
    use_cache(workspace, cache_of(root))
    (workspace / "params.yaml").write_text(params, encoding="utf-8")
    return workspace


def check_out(root: Path, workspace: Path, revision: str) -> None:
    """Make ``workspace`` a git worktree of ``root`` at ``revision``, with the same source files.

    Raises:
        AepipeError: ``root`` is no git repository, has no such revision, or git refuses.
    """
    commit = run_tool(["git", "rev-parse", "--verify", f"{revision}^{{commit}}"], root).strip()
    if (workspace / ".git").exists():
        run_tool(["git", "checkout", "--quiet", "--force", "--detach", commit], workspace)
    else:
        shutil.rmtree(workspace, ignore_errors=True)  # a leftover that git does not know
        run_tool(["git", "worktree", "prune"], root)
        run_tool(["git", "worktree", "add", "--quiet", "--detach", str(workspace), commit], root)
    if (root / SOURCES).exists() and not (workspace / SOURCES).exists():
        (workspace / SOURCES).symlink_to((root / SOURCES).resolve())


def cache_of(root: Path) -> Path:
    """Give the folder of DVC's cache."""
    return Path(run_tool(["dvc", "cache", "dir"], root).strip())


def use_cache(workspace: Path, cache: Path) -> None:
    """Let DVC in ``workspace`` keep and find its files in ``cache``."""
    run_tool(["dvc", "cache", "dir", "--local", str(cache)], workspace)


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
    lines = run_tool(
        ["git", "status", "--porcelain", "--", "aepipe", "dvc.yaml"], root
    ).splitlines()
    return [line[3:] for line in lines]


def environment() -> dict[str, str]:
    """Give stages this Python, and the ``aepipe`` of the workspace they run in."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path}


def run_tool(command: Sequence[str], folder: Path) -> str:
    """Run git or DVC in ``folder`` and give what it printed.

    Raises:
        AepipeError: it refused; with what it said.
    """
    done = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip() or f"exit code {done.returncode}"
        raise AepipeError(f"`{' '.join(command)}` in {folder} failed: {said}")
    return done.stdout
