"""Workspaces of flow runs: one run at a time in each, and old ones cleaned up.

They are git worktrees of the clone they lie in, which share its DVC cache and nothing else.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import IO

from aepipe.errors import AepipeError
from aepipe.workspace import link, remove

FOLDER = Path(".aepipe/workspaces")
CHECKPOINTS = Path(".aepipe/checkpoints")
TRACKING = Path("mlruns")
KEPT = "AEPIPE_WORKSPACES_KEPT"
DAYS = "AEPIPE_WORKSPACES_DAYS"
DAY = 86_400.0  # seconds


@contextmanager
def in_place(root: Path) -> Iterator[Path]:
    """Keep other flow runs out of a clone itself for as long as the block, or this process, lasts.

    Raises:
        AepipeError: one is at work there.
    """
    with _held(root / ".aepipe" / "flow.lock") as held:
        _require(held, root)
        yield root


@contextmanager
def own(root: Path, name: str) -> Iterator[Path]:
    """Lend the workspace ``name`` of the clone ``root``, new or left by a run of that name.

    It is to be made or brought up to date by who gets it.

    Raises:
        AepipeError: another run is at work there.
    """
    folder = root / FOLDER / name
    with _held(_lock(folder)) as held:
        _require(held, folder)
        yield folder


@contextmanager
def any_free(root: Path, kind: str) -> Iterator[Path]:
    """Lend a workspace ``KIND-N`` of the clone ``root`` in which nobody is at work, old or new."""
    for number in count(1):
        folder = root / FOLDER / f"{kind}-{number}"
        with _held(_lock(folder)) as held:
            if held:
                yield folder
                return


def share(root: Path, workspace: Path) -> dict[str, str]:
    """Let a workspace keep with the clone ``root`` what is to outlive it.

    MLflow runs that no server takes, and by the environment that is given back the checkpoints from
    which another run goes on; where ``AEPIPE_CHECKPOINTS`` is set, they are there.
    """
    (root / TRACKING).mkdir(exist_ok=True)  # what is not there yet can't be linked to
    link(root, workspace, TRACKING)
    folder = os.environ.get("AEPIPE_CHECKPOINTS", str(root / CHECKPOINTS))
    return {"AEPIPE_CHECKPOINTS": folder}


def sweep(root: Path) -> list[Path]:
    """Remove workspaces that nobody has used for long, or that are too many; give what is gone.

    ``AEPIPE_WORKSPACES_DAYS`` and ``AEPIPE_WORKSPACES_KEPT`` say for how long and how many.
    """
    oldest = time.time() - float(os.environ.get(DAYS, 14)) * DAY
    kept = int(os.environ.get(KEPT, 10))
    there = [lock for lock in (root / FOLDER).glob("*.lock") if lock.with_suffix("").exists()]
    used = {lock: lock.stat().st_mtime for lock in there}
    newest_first = sorted(there, key=lambda lock: -used[lock])
    gone = []
    for place, lock in enumerate(newest_first):
        if place < kept and used[lock] > oldest:
            continue
        with _held(lock) as held:
            if held:
                remove(root, lock.with_suffix(""))
                gone.append(lock.with_suffix(""))
    return gone


@contextmanager
def making(root: Path) -> Iterator[None]:
    """Let one process at a time change the clone's list of workspaces, as git has it."""
    with _opened(root / FOLDER / "making") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _require(held: bool, folder: Path) -> None:
    if not held:
        raise AepipeError(
            f"{folder}: another run is at work here; wait for its end, or give this one a "
            "workspace of its own (`--isolated`)"
        )


@contextmanager
def _held(lock: Path) -> Iterator[bool]:
    """Hold ``lock``, if nobody else does; it is let go when the process ends, however that ends."""
    with _opened(lock) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        os.utime(lock)  # when it was last used
        yield True
        os.utime(lock)


def _opened(lock: Path) -> IO[str]:
    lock.parent.mkdir(parents=True, exist_ok=True)
    return lock.open("a")


def _lock(folder: Path) -> Path:
    # beside it and never removed: who waits for a lock that is removed holds nothing
    return folder.with_name(f"{folder.name}.lock")
