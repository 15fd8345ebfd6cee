"""Folders in which the pipeline runs apart from a person's own: other params, the same cache."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from configparser import RawConfigParser
from pathlib import Path

from aepipe.errors import AepipeError

SOURCES = Path("data/sources")  # files that a person has put there; git and DVC know none of them
SETTINGS = Path(".dvc/config.local")  # DVC's settings of one machine, which git doesn't know


def prepare(root: Path, workspace: Path, revision: str) -> None:
    """Make ``workspace`` a git worktree at ``revision``, or bring it there.

    What has been made in it before stays, so that DVC runs what differs; DVC's cache and this
    machine's settings for DVC are those of ``root``.

    Args:
        root: top folder of the repository.
        workspace: folder of the worktree; new, or one that this function has made.
        revision: commit, or what git can turn into one.

    Raises:
        AepipeError: ``root`` is no git repository, or git or DVC refuse.
    """
    commit = output(["git", "rev-parse", "--verify", f"{revision}^{{commit}}"], root).strip()
    if (workspace / ".git").exists():
        output(["git", "checkout", "--quiet", "--force", "--detach", commit], workspace)
    else:
        shutil.rmtree(workspace, ignore_errors=True)  # a leftover that git does not know
        output(["git", "worktree", "prune"], root)
        output(["git", "worktree", "add", "--quiet", "--detach", str(workspace), commit], root)
    _settle(root, workspace)
    link(root, workspace, SOURCES)


def link(root: Path, workspace: Path, shared: Path) -> None:
    """Let ``shared`` in ``workspace`` be that of ``root``, where there is one."""
    if (root / shared).exists() and not (workspace / shared).is_symlink():
        shutil.rmtree(workspace / shared, ignore_errors=True)
        (workspace / shared).symlink_to((root / shared).resolve())


def remove(root: Path, workspace: Path) -> None:
    """Remove a worktree, whatever lies in it; what DVC has cached of that stays."""
    shutil.rmtree(workspace, ignore_errors=True)
    output(["git", "worktree", "prune"], root)


def environment() -> dict[str, str]:
    """Give stages this Python, and the ``aepipe`` of the workspace they run in."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path}


def output(command: Sequence[str], folder: Path) -> str:
    """Run a command and give what it prints.

    Raises:
        AepipeError: it failed; with what it said.
    """
    done = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip() or f"exit code {done.returncode}"
        raise AepipeError(f"`{' '.join(command)}` in {folder} failed: {said}")
    return done.stdout


def _settle(root: Path, workspace: Path) -> None:
    """Write the workspace's settings for DVC: this machine's, with paths that hold there too."""
    settings = _read(root / SETTINGS)
    everyones = _read(root / SETTINGS.with_name("config"))
    for section in everyones.sections():
        if everyones.has_option(section, "url") and not settings.has_option(section, "url"):
            _put(settings, section, "url", everyones.get(section, "url"))
    for section in settings.sections():
        if settings.has_option(section, "url"):
            _put(settings, section, "url", _absolute(settings.get(section, "url"), root / ".dvc"))
    known = _read(workspace / SETTINGS)
    cache = known.get("cache", "dir", fallback=None) or output(["dvc", "cache", "dir"], root)
    _put(settings, "cache", "dir", cache.strip())
    with (workspace / SETTINGS).open("w", encoding="utf-8") as file:
        settings.write(file)


def _read(path: Path) -> RawConfigParser:
    parser = RawConfigParser()
    parser.read(path, encoding="utf-8")
    return parser


def _put(settings: RawConfigParser, section: str, key: str, value: str) -> None:
    if not settings.has_section(section):
        settings.add_section(section)
    settings.set(section, key, value)


def _absolute(url: str, folder: Path) -> str:
    """DVC takes a plain path in a file of settings for one that is relative to the file."""
    return url if "://" in url else str((folder / url).resolve())
