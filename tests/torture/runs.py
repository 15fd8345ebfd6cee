"""The run that is disturbed: ``dvc repro`` or the flow, as processes that can be struck."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from random import Random

import psutil

from tests.torture.ground import Ground, wait_until

PATIENCE = 3600.0  # seconds for anything that has to end; a busy machine needs many
DVC = ("dvc", "repro")
FLOW = (sys.executable, "-m", "flows.reproduce")


@dataclass(frozen=True)
class Trial:
    """One run that is to be disturbed, and where chance comes from.

    Attributes:
        ground: where it runs.
        chance: of this trial alone.
        forgotten: the stages that have to run, in order.
        left: processes that outlived the run which had started them.
    """

    ground: Ground
    chance: Random
    forgotten: tuple[str, ...]
    left: list[psutil.Process] = field(default_factory=list)

    @property
    def victim(self) -> str:
        return self.forgotten[0]

    @contextmanager
    def running(
        self,
        command: Sequence[str] = DVC,
        environment: Mapping[str, str] | None = None,
    ) -> Iterator["Disturbed"]:
        """Start a run of what was forgotten, and wait until it is over.

        What it has started may outlive it, as it does outside of tests; see :attr:`left`.
        """
        log = self.ground.folder / "disturbed.log"
        with log.open("ab") as file:
            process = subprocess.Popen(
                [*command, *self.forgotten[-1:]], cwd=self.ground.clone, stdout=file, stderr=file,
                env={**self.ground.environment, **(environment or {})}, start_new_session=True,
            )  # fmt: skip
        disturbed = Disturbed(process)
        try:
            yield disturbed
            process.wait(PATIENCE)
        finally:
            if process.poll() is None:
                disturbed.strike_all(signal.SIGKILL)
                process.wait()
            self.left.extend(disturbed.children())

    def settle(self) -> None:
        """Wait for stages that outlived their run, and end whatever else did.

        That is Prefect's temporary server, where the flow was killed: nothing tells it to go.
        """
        stages = [each for each in self.left if "stage" in words_of(each)]
        psutil.wait_procs(stages, PATIENCE)
        for each in self.left:
            with suppress(psutil.NoSuchProcess):
                each.kill()

    def pause(self, seconds: float) -> None:
        """Let a random part of some seconds pass."""
        time.sleep(self.chance.uniform(0, seconds))


class Disturbed:
    """A run that is under way, with all processes that it has started."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self._seen: dict[int, psutil.Process] = {}

    def stage(self, name: str) -> psutil.Process | None:
        """Wait for the process of a stage; None where the run ends, or did it, before that."""
        found: list[psutil.Process] = []

        def look() -> bool:
            found[:] = [each for each in self.children() if is_stage(each, name)]
            return bool(found) or self.process.poll() is not None

        wait_until(look, PATIENCE)
        return found[0] if found else None

    def children(self) -> list[psutil.Process]:
        """Give what the run has started, directly or not, and is still alive."""
        try:
            for each in psutil.Process(self.process.pid).children(recursive=True):
                self._seen[each.pid] = each
        except psutil.NoSuchProcess:
            pass
        return [each for each in self._seen.values() if each.is_running()]

    def is_over(self) -> bool:
        return self.process.poll() is not None

    def strike(self, number: signal.Signals) -> bool:
        """Send a signal to the process that was started alone; say whether it still ran."""
        self.children()  # remembered, for they may outlive it
        if self.is_over():
            return False
        self.process.send_signal(number)
        return True

    def strike_all(self, number: signal.Signals) -> bool:
        """Send a signal to the whole group at once, as a terminal does, or lost power."""
        self.children()
        if self.is_over():
            return False
        os.killpg(self.process.pid, number)
        return True


def words_of(process: psutil.Process) -> list[str]:
    """Give the words of a process's command; none where it is over."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def is_stage(process: psutil.Process, name: str) -> bool:
    """Say whether a process is the Python of a stage, as DVC calls it."""
    stage, _, instance = name.partition("@")
    words = words_of(process)
    if not words or "python" not in words[0] or words[1:5] != ["-m", "aepipe", "stage", stage]:
        return False
    return not instance or instance in words
