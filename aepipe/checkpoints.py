"""Checkpoints on disk: whole or absent, of this very work or not used, and seldom enough.

They lie in ``FOLDER/KEY/NETWORK.NUMBER.CHECKSUM.safetensors``. The checksum is of the content and
of the three names before it, so that neither a damaged file nor one of other work passes for whole.
"""

import contextlib
import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, final

from aepipe.errors import ParamsError, StorageError
from aepipe.files import lock
from aepipe.interruption import Interrupted, postponed
from aepipe.monitor import Checkpoints

PLACE = Path(".aepipe", "checkpoints")
SECONDS = 30.0  # of work that a kill may cost; what takes less writes no checkpoint
RATIO = (
    50  # times as long as writing one took are worked before the next: less than 2 % of the time
)
KEPT = 2  # of each network: the one before stands in for one that the disk has damaged
DAYS = 14  # after which the checkpoints of work that was never taken up again are removed


def checkpoint_folder() -> Path:
    """Give ``AEPIPE_CHECKPOINTS``, else the place below the working folder."""
    return Path(os.environ.get("AEPIPE_CHECKPOINTS") or PLACE)


def checkpoint_seconds() -> float:
    """Give ``AEPIPE_CHECKPOINT_SECONDS``, else the default.

    Raises:
        ParamsError: it is no number of seconds.
    """
    asked = os.environ.get("AEPIPE_CHECKPOINT_SECONDS") or SECONDS
    try:
        seconds = float(asked)
    except ValueError:
        seconds = -1.0
    if not seconds >= 0:
        raise ParamsError(
            f"AEPIPE_CHECKPOINT_SECONDS={asked}: expected a number of seconds, 0 or more"
        )
    return seconds


@final
class Store:
    """The checkpoints of one stage.

    Args:
        folder: of the checkpoints of all stages.
        key: gives the key of this one's work; asked for only where a checkpoint is there or is to
            be written, since it follows from the contents of all inputs.
        warn: says one line.
        seconds: at least between two checkpoints of a network.
    """

    def __init__(
        self, folder: Path, key: Callable[[], str], warn: Callable[[str], None], seconds: float
    ) -> None:
        self._root, self._key, self._warn, self._seconds = folder, key, warn, seconds
        self._lock: IO[bytes] | None = None
        self._opened = self._taken = self._warned = False

    @contextmanager
    def open(self, network: str) -> Iterator[Checkpoints]:
        """Give the checkpoints of ``network``; inside the block signals wait for one."""
        self._opened, self._taken = True, False
        try:
            with postponed() as asked:
                yield Trail(self, network, self._seconds, asked)
        finally:
            self._let_go()

    def remove(self) -> None:
        """Remove all of them: their work is done."""
        if self._opened and self.exists() and self.claim():
            with contextlib.suppress(OSError):  # they are then removed for their age
                shutil.rmtree(self.home())
            self._let_go()

    def home(self) -> Path:
        """Give the folder of this work, which need not exist."""
        return self._root / self._key()

    def exists(self) -> bool:
        """Say whether there is anything of this work."""
        return self._root.is_dir() and any(self._root.iterdir()) and self.home().is_dir()

    def claim(self) -> bool:
        """Become the only one at this work's checkpoints; another may be; the disk may refuse."""
        home = self.home()
        if self._taken or (self._lock is not None and home.is_dir()):
            return not self._taken
        try:
            if not home.is_dir():
                home.mkdir(parents=True, exist_ok=True)
                sync(self._root)
                sync(self._root.parent)
                self._sweep()
            return self._hold(home / "lock")
        except OSError as error:
            self.explain(str(error))
            return False

    def explain(self, trouble: str) -> None:
        """Warn, once, that checkpoints can't be written: no reason to stop what they are for."""
        if not self._warned:
            self._warned = True
            self.warn(f"no checkpoint could be written: {trouble}")

    def warn(self, text: str) -> None:
        """Say one line."""
        self._warn(text)

    def _hold(self, path: Path) -> bool:
        file = path.open("ab")
        if lock(file, path):
            self._let_go()
            self._lock = file  # open, and so locked, until the training ends or the process is gone
            return True
        file.close()
        self._taken = True
        self.warn(f"another process is at the same work; {path.parent} is left to it")
        return False

    def _let_go(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _sweep(self) -> None:
        """Remove what other work has left long ago, where nobody is at it."""
        for folder in self._root.iterdir():
            with contextlib.suppress(OSError):
                path = folder / "lock"
                if time.time() - folder.stat().st_mtime > DAYS * 86400:
                    with path.open("rb") as file:
                        if lock(file, path):
                            shutil.rmtree(folder)


@final
class Trail:
    """The checkpoints of one network of a stage."""

    def __init__(
        self, store: Store, network: str, seconds: float, asked: Callable[[], int | None]
    ) -> None:
        self._store, self._network, self._asked = store, network, asked
        self._seconds = self._pause = seconds
        self._since = time.monotonic()

    def found(self) -> Iterator[Path]:
        """Give the whole ones of an earlier try, newest first."""
        if not self._store.exists() or not self._store.claim():
            return
        for number, path in reversed(self._files()):
            with contextlib.suppress(OSError):
                if path == self._named(path, number):
                    yield path
                    continue
            self._store.warn(f"{path}: damaged, or a checkpoint of other work; it is not used")

    def offer(self, write: Callable[[Path], None]) -> None:
        """Write one, where it is time to; or where the process is to end, and then end it.

        Raises:
            Interrupted: a signal has come.
        """
        number = self._asked()
        start = time.monotonic()
        if number is None and start - self._since < self._pause:
            return
        kept = self._keep(write)
        self._since = time.monotonic()
        self._pause = max(self._seconds, RATIO * (self._since - start))
        if number is not None:
            advice = f"the same command goes on from the checkpoint in {self._store.home()}"
            raise Interrupted(number, advice) if kept else Interrupted(number)

    def _keep(self, write: Callable[[Path], None]) -> bool:
        if not self._store.claim():
            return False
        home = self._store.home()
        partial = home / f"{self._network}.partial"
        try:
            write(partial)
            sync(partial)
            files = self._files()
            number = files[-1][0] + 1 if files else 1
            partial.rename(self._named(partial, number))
            sync(home)
            for _, old in files[: max(0, len(files) + 1 - KEPT)]:
                old.unlink()
        except (OSError, StorageError) as error:
            self._store.explain(str(error))
            return False
        finally:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
        return True

    def _files(self) -> list[tuple[int, Path]]:
        """Give all that look like checkpoints of this network, with their numbers, oldest first."""
        form = re.compile(rf"{re.escape(self._network)}\.(\d+)\.[0-9a-f]+\.safetensors")
        named = ((form.fullmatch(path.name), path) for path in self._store.home().iterdir())
        return sorted((int(match[1]), path) for match, path in named if match)

    def _named(self, content: Path, number: int) -> Path:
        """Give the name that a file with this content has as a checkpoint."""
        home = self._store.home()
        name = f"{self._network}.{number:06d}"

        def started() -> hashlib.blake2b:
            return hashlib.blake2b(f"{home.name}\0{name}\0".encode(), digest_size=16)

        with content.open("rb") as file:
            checksum = hashlib.file_digest(file, started).hexdigest()
        return home / f"{name}.{checksum}.safetensors"


def sync(path: Path) -> None:
    """Wait until a file's content, or a folder's names, are on the disk itself."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
