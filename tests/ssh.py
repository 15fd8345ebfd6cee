"""A real SSH server for tests, which lets the user who runs them in with a key made for it."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import final

from tests.postgres import Missing, free_port

START_SECONDS = 60.0
CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
Subsystem sftp internal-sftp
"""


@final
@dataclass(frozen=True)
class Server:
    """A running server that listens on 127.0.0.1 alone."""

    port: int
    user: str
    key: Path


@contextmanager
def running() -> Iterator[Server]:
    """Start a server on a free port, with keys of its own that go with it.

    Raises:
        Missing: OpenSSH's server is not installed.
    """
    sshd = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
    keygen = shutil.which("ssh-keygen")
    if sshd is None or keygen is None:
        raise Missing("no sshd on this machine; `apt-get install openssh-server` brings it")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # as root it insists on its empty folder
    with tempfile.TemporaryDirectory(prefix="ssh-") as name:
        folder = Path(name)
        for key in ("host", "user"):
            made = [keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key)]
            subprocess.run(made, check=True)
        port = free_port()
        (folder / "config").write_text(CONFIG.format(port=port, folder=folder))
        with _started([sshd, "-D", "-e", "-f", str(folder / "config")], folder / "log", port):
            yield Server(port, getpass.getuser(), folder / "user")


@contextmanager
def _started(command: list[str], log: Path, port: int) -> Iterator[None]:
    with log.open("wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, start_new_session=True)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"sshd did not start:\n{log.read_text()}")
            time.sleep(0.05)
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
