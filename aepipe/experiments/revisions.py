"""The metrics of another revision or experiment, without checking it out."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from aepipe.errors import ArtifactError, ParamsError
from aepipe.experiments.workspace import FOLDER
from aepipe.files import read_json
from aepipe.reporting.sides import Side, print_sides
from aepipe.reporting.terminal import open_console
from aepipe.workspace import environment

METRICS = "reports/metrics.json"
WORKSPACE = "workspace"  # what DVC calls the files as they are
EXPERIMENTS = "refs/exps"  # where DVC keeps its experiments


def print_comparison(root: Path, one: str, other: str) -> None:
    """Print the results of two revisions or experiments side by side.

    Args:
        root: top folder of the repository.
        one: a git revision, an experiment that was run, or ``workspace``.
        other: likewise.

    Raises:
        AepipeError: there is no such thing, or it has no results.
    """
    print_sides(open_console(), find_side(root, one), find_side(root, other))


def find_side(root: Path, name: str) -> Side:
    """Find what ``name`` means and read its metrics.

    In this order: the files as they are, a git revision, an experiment of ``aepipe experiment run``
    in its workspace, an experiment that DVC keeps.

    Raises:
        ParamsError: it means nothing.
        ArtifactError: it has no results, or they are not here.
    """
    if name == WORKSPACE:
        return Side(name, read_json(root / METRICS))
    revision = _git(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    if revision is None and (root / FOLDER / name / METRICS).is_file():
        return Side(name, read_json(root / FOLDER / name / METRICS))
    revision = revision or _kept(root, name)
    if revision is None:
        raise ParamsError(
            f"{name}: neither a git revision nor an experiment that was run; `git log` and "
            f"`dvc exp show` list them, and {WORKSPACE} means the files as they are"
        )
    return Side(name, read_json(_cached(root, name, revision.strip())))


def _kept(root: Path, name: str) -> str | None:
    """Give the commit of an experiment that DVC keeps, by the last part of its reference."""
    listed = _git(root, "for-each-ref", "--format=%(objectname) %(refname)", EXPERIMENTS) or ""
    found = [line.split() for line in listed.splitlines() if line.rpartition("/")[2] == name]
    return found[0][0] if found else None


def _cached(root: Path, name: str, revision: str) -> Path:
    """Give the path in DVC's cache of the metrics that ``dvc.lock`` names at ``revision``."""
    lock: Any = YAML(typ="safe").load(_git(root, "show", f"{revision}:dvc.lock") or "") or {}
    outs = [out for stage in lock.get("stages", {}).values() for out in stage.get("outs", [])]
    digest = next((out["md5"] for out in outs if out["path"] == METRICS), None)
    if digest is None:
        raise ArtifactError(
            f"{name}: its dvc.lock knows no {METRICS}; run `dvc repro compare` there and commit "
            "dvc.lock"
        )
    done = _run(root, ["dvc", "cache", "dir"])
    path: Path = root / done.stdout.strip() / "files" / "md5" / digest[:2] / digest[2:]
    if done.returncode or not path.is_file():
        raise ArtifactError(
            f"{name}: {METRICS} of that revision is not in the cache; "
            f"`dvc fetch --all-commits {METRICS}` brings it, where a remote has it"
        )
    return path


def _git(root: Path, *words: str) -> str | None:
    """Ask git; None where it says no."""
    done = _run(root, ["git", *words])
    return None if done.returncode else done.stdout


def _run(root: Path, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=root, env=environment(), capture_output=True, text=True, check=False
    )
