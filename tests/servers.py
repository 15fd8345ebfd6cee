"""Servers that tests start as processes of their own, and end."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

START_SECONDS = 300.0  # for a busy machine; an idle one needs five to ten
STOP_SECONDS = 60.0


@contextmanager
def serving(
    command: Sequence[str], folder: Path, environment: dict[str, str], answers: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends; it begins once the address ``answers`` does."""
    process = subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True)
    try:
        _wait(answers, process)
        yield process
    finally:
        end(process, signal.SIGTERM)


def end(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    """End a server with the workers that it has started."""
    if process.poll() is None:
        os.killpg(process.pid, how)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    started = time.monotonic()
    while time.monotonic() - started < START_SECONDS:
        assert process.poll() is None, "the server ended"
        try:
            if requests.get(url, timeout=10).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.2)
    pytest.fail(f"nothing answers at {url}")
