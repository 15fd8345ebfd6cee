"""A workspace for each experiment: the code of HEAD, other params, the same cache."""

import fcntl
import subprocess
from collections.abc import Sequence
from pathlib import Path

from aepipe.errors import AepipeError
from aepipe.workspace import environment, output
from aepipe.workspace import prepare as prepare_workspace

FOLDER = Path(".aepipe/experiments")


def prepare(root: Path, name: str, params: str) -> Path:
    """Give the workspace of experiment ``name``: a git worktree at HEAD with ``params``.

    What it has made before stays, so that DVC runs what differs; DVC's cache is that of ``root``.
    It starts without a ``dvc.lock``, so that in the end that of the experiment names nothing that
    other params have made.

    Args:
        root: top folder of the repository.
        name: of the experiment.
        params: text of its ``params.yaml``.

    Raises:
        AepipeError: ``root`` is no git repository, or git or DVC refuse.
    """
    workspace = root / FOLDER / name
    prepare_workspace(root, workspace, "HEAD")
    (workspace / "dvc.lock").unlink(missing_ok=True)
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


def keep(workspace: Path, name: str, targets: Sequence[str]) -> None:
    """Keep ``targets`` as the DVC experiment ``name``, in place of an earlier one.

    Raises:
        AepipeError: DVC refuses.
    """
    with (workspace.parent / ".keeping").open("wb") as file:
        # what DVC notes in git meanwhile is shared by all worktrees: two at once spoil each other's
        fcntl.flock(file, fcntl.LOCK_EX)
        output(["dvc", "exp", "save", "--force", "--name", name, *targets], workspace)


def uncommitted(root: Path) -> list[str]:
    """List changed files of the code, which a workspace does not see."""
    lines = output(["git", "status", "--porcelain", "--", "aepipe", "dvc.yaml"], root).splitlines()
    return [line[3:] for line in lines]
