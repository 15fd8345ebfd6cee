"""Run a command that ends when the process that asked for it does, however that ends.

``python tether.py COMMAND...`` runs COMMAND in a process group of its own and watches standard
input, whose other end the asking process holds. When that end closes (it was closed, or the asking
process was interrupted or killed outright), the whole group is ended: killing dvc alone would leave
the stage that it started running, and holding the GPU. Needs nothing but Python.
"""

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

GRACE = 3.0  # seconds that a group has to end after it was asked to
LOOK = 0.05  # seconds between two looks whether it has


@contextlib.contextmanager
def lifeline() -> Iterator[int]:
    """Give a file descriptor for :func:`start`; what was started with it ends with the block."""
    reading, writing = os.pipe()  # no other child inherits either
    try:
        yield reading
    finally:
        os.close(writing)
        os.close(reading)


def start(
    command: Sequence[str], line: int, folder: Path, environment: Mapping[str, str]
) -> subprocess.Popen[str]:
    """Start ``command`` in ``folder``, tied to the lifeline ``line``.

    Its standard output and error come back together as the ``stdout`` of what is returned.
    """
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).resolve()), *command],
        stdin=line,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=folder,
        env=dict(environment),
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,  # Ctrl-C in a terminal then reaches the asking process alone
    )


def main(command: Sequence[str]) -> int:
    """Run ``command`` for as long as standard input is open, and give its exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=0)
    threading.Thread(target=_end_with_input, args=(process.pid,), daemon=True).start()
    try:
        code = process.wait()
    finally:
        _end(process.pid)  # also what a command that was itself killed has left behind
    return code if code >= 0 else 128 - code  # as a shell reports death by a signal


def _end_with_input(group: int) -> None:
    select.select([sys.stdin], [], [])  # nothing is ever written: readable means closed
    _end(group)


def _end(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # raised as soon as the group is empty
        os.killpg(group, signal.SIGTERM)
        deadline = time.monotonic() + GRACE
        while time.monotonic() < deadline:
            os.killpg(group, 0)
            time.sleep(LOOK)
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
