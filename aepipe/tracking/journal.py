"""A run written down on disk while it happens, and a process of its own that sends it to MLflow.

The stage's process never imports MLflow: that would take more than a second from the training, and
a server that hangs could hold it up. What has been written down outlives both processes, so that
nothing is lost when one of them is killed or the server is away.

A journal is a file of JSON lines under ``mlruns/pending/``. Whoever writes or sends one holds its
lock; one that nobody holds is waiting to be sent.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import IO, Any, final

from aepipe.files import lock
from aepipe.tracking.key import PACKAGE
from aepipe.tracking.server import ROOT, settings

Line = Mapping[str, Any]
Header = Callable[[], Line]

PENDING = ROOT / "pending"
LOCK_SECONDS = 10.0  # for another process to finish sending what an earlier run has left
CLOSE_SECONDS = 30.0  # for the sender to finish once the stage has; a busy machine needs a few
RETRY_SECONDS = 60.0  # before a sender that gave up is started again


@final
class Journal:
    """Takes lines from a stage without ever making it wait, and keeps a sender at work on them.

    Args:
        header: gives the first line, with the run's ``key``; called beside the stage, since it
            reads all inputs.
    """

    def __init__(self, header: Header) -> None:
        self._header = header
        self._lines: SimpleQueue[Line | None] = SimpleQueue()
        self._sender: Sender | None = None
        self._refused: str | None = None
        self._thread = Thread(target=self._work, daemon=True)
        self._thread.start()

    def put(self, line: Line) -> None:
        """Add a line."""
        self._lines.put(line)

    def trouble(self) -> str | None:
        """Say why nothing is being sent, if nothing is."""
        sender = self._sender
        return self._refused or (sender.trouble() if sender else None)

    def close(self, line: Line) -> str | None:
        """Add the last line and wait, a bounded time, until all has been sent.

        Returns:
            Why not, if it has not.
        """
        self.leave(line)
        reason = self._sender.finish() if self._sender else None
        return self._refused or reason

    def leave(self, line: Line) -> None:
        """Add the last line, and leave it to the sender to end by itself."""
        self._lines.put(line)
        self._lines.put(None)
        self._thread.join()  # it waits for the disk alone, never for MLflow

    def _work(self) -> None:
        try:
            header = self._header()
            with open_journal(str(header["key"])) as (path, file):
                _write(file, header)
                self._send(path, file)
        except OSError as error:  # the disk; the training has better uses for what is left of it
            self._refused = f"{error.filename or PENDING}: {error.strerror}"

    def _send(self, path: Path, file: IO[bytes]) -> None:
        self._sender, since = Sender(path, file), time.monotonic()
        try:
            for line in iter(self._lines.get, None):
                _write(file, line)
                if time.monotonic() - since > RETRY_SECONDS and self._sender.trouble():
                    self._sender.finish()
                    self._sender, since = Sender(path, file), time.monotonic()
        finally:
            self._sender.wake()


@final
class Sender:
    """The process that reads a journal and tells MLflow.

    Args:
        path: of the journal.
        file: the journal, open and locked; the sender keeps the lock when its parent is killed.
    """

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        paths = [str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")]
        self._path = path
        self._reason: str | None = None
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process may speak
        self._process = subprocess.Popen(
            [sys.executable, "-m", "aepipe.tracking.send", str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._said,
            pass_fds=[file.fileno()],
            env={**settings(), "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        )

    def trouble(self) -> str | None:
        """Give the last line of what the sender said, if it gave up."""
        if self._reason is None and self._process.poll():
            self._said.seek(0)
            said = self._said.read().decode(errors="replace").strip().splitlines()
            self._reason = said[-1] if said else f"sender ended with {self._process.returncode}"
        return self._reason

    def wake(self) -> None:
        """Tell the sender that the journal is complete: its input ends."""
        if self._process.stdin:
            self._process.stdin.close()

    def finish(self) -> str | None:
        """Wait until all has been sent, but not for ever.

        Returns:
            Why it has not been.
        """
        with self._said:
            try:
                self._process.wait(CLOSE_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
                self._reason = f"no answer within {CLOSE_SECONDS:.0f} s"
            return self.trouble() if self._path.exists() else None


@contextmanager
def open_journal(key: str) -> Iterator[tuple[Path, IO[bytes]]]:
    """Open the journal of that key alone, to add to what a killed run may have left in it."""
    PENDING.mkdir(parents=True, exist_ok=True)
    path = PENDING / f"{key}.jsonl"
    deadline = time.monotonic() + LOCK_SECONDS
    while time.monotonic() < deadline:
        with path.open("a+b") as file:
            if lock(file, path):
                _drop_torn_line(file)
                yield path, file
                return
        time.sleep(0.1)
    path = PENDING / f"{key}.{os.getpid()}.jsonl"  # the same work is going on twice
    with path.open("a+b") as file:
        lock(file, path)
        yield path, file


def _write(file: IO[bytes], line: Line) -> None:
    file.write(json.dumps(line).encode() + b"\n")
    file.flush()


def _drop_torn_line(file: IO[bytes]) -> None:
    """Remove what a killed writer or a full disk has left after the last whole line."""
    file.seek(0)
    file.truncate(file.read().rfind(b"\n") + 1)
