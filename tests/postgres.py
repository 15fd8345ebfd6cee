"""A real PostgreSQL server for tests, and empty databases in it.

Tests ask for the fixtures ``postgres_url`` and ``postgres`` of ``tests/conftest.py``.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import final

START_SECONDS = 120.0  # for a busy machine; an idle one needs one or two
STOP_SECONDS = 30.0
UNPRIVILEGED = "nobody"  # PostgreSQL refuses to run as root
# Lost on a crash of the machine, which ends the tests too.
QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Missing(Exception):  # noqa: N818 - no error, but a reason to skip
    """Why there is no server here."""


@final
@dataclass(frozen=True)
class Server:
    """A running server that listens on 127.0.0.1 alone."""

    programs: Path
    port: int
    numbers: Iterator[int] = field(default_factory=count)

    def new_database(self) -> str:
        """Make an empty database, and give its URL: ``postgresql://tester@127.0.0.1:PORT/NAME``."""
        name = f"test{next(self.numbers)}"
        where = ["--host=127.0.0.1", f"--port={self.port}", "--username=tester"]
        _call([str(self.programs / "createdb"), *where, "--no-password", name])
        return f"postgresql://tester@127.0.0.1:{self.port}/{name}"


@contextmanager
def running() -> Iterator[Server]:
    """Start a server on a free port, with a folder of its own that goes with it.

    Raises:
        Missing: PostgreSQL is not installed.
    """
    programs = _programs()
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:
        data = Path(folder) / "data"
        if os.geteuid() == 0:
            shutil.chown(folder, UNPRIVILEGED)
        settings = ["--username=tester", "--auth=trust", "--encoding=UTF8", "--no-locale"]
        _call(_unprivileged([str(programs / "initdb"), *settings, "--no-sync", str(data)]))
        with _started(programs, data) as server:
            yield server


@contextmanager
def _started(programs: Path, data: Path) -> Iterator[Server]:
    port = free_port()
    settings = QUICK | {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
    }
    command = [str(programs / "postgres"), "-D", str(data)]
    command += [f"--{name}={value}" for name, value in settings.items()]
    log = data.parent / "log"
    with log.open("wb") as said:
        process = subprocess.Popen(_unprivileged(command), stdout=said, stderr=said, cwd="/")
    try:
        _wait(process, programs, port, log)
        yield Server(programs, port)
    finally:
        process.send_signal(signal.SIGINT)  # "fast": clients are sent away
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """Give a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _programs() -> Path:
    """Find PostgreSQL's programs; Debian keeps them outside the PATH."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise Missing("no PostgreSQL on this machine; `apt-get install postgresql` brings it")


def _unprivileged(command: Sequence[str]) -> list[str]:
    """Run ``command`` as nobody where this is root, and end it when this process is killed."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        if os.geteuid() == 0:
            raise Missing(
                "PostgreSQL doesn't run as root, and there is no setpriv to become another"
            )
        return [*command]
    group = pwd.getpwnam(UNPRIVILEGED).pw_gid
    become = [f"--reuid={UNPRIVILEGED}", f"--regid={group}", "--clear-groups"]
    return [setpriv, *(become if os.geteuid() == 0 else []), "--pdeathsig=INT", *command]


def _wait(process: subprocess.Popen[bytes], programs: Path, port: int, log: Path) -> None:
    asked = [str(programs / "pg_isready"), "--quiet", "--host=127.0.0.1", f"--port={port}"]
    deadline = time.monotonic() + START_SECONDS
    while subprocess.run(asked, check=False).returncode:
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}")
        time.sleep(0.05)


def _call(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    if done.returncode:
        raise RuntimeError(f"`{' '.join(command)}` failed:\n{done.stdout}{done.stderr}")
