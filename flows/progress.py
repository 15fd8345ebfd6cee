"""Showing on Prefect's pages how far stages are, while they run."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast, final
from uuid import UUID

import httpx
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.exceptions import PrefectHTTPStatusError

from flows.exhibits import key

EVERY = 5.0  # seconds between two moves of a bar
STEP = re.compile(r"(?P<what>.+): (?P<done>\d+)/(?P<total>\d+)(?:  .*)?")  # of ConsoleMonitor

Say = Callable[[str], None]


@final
@dataclass(frozen=True, slots=True)
class Step:
    """How far a stage is, as one of its lines says.

    Attributes:
        text: the line.
        percent: of what the line speaks of; a stage may do several such things.
    """

    text: str
    percent: float


def step_of(line: str) -> Step | None:
    """Read a line of progress; None where it is none."""
    match = STEP.fullmatch(line.strip())
    if match is None or not int(match["total"]):
        return None
    return Step(line.strip(), round(100 * int(match["done"]) / int(match["total"]), 1))


@final
class Bar:
    """Shows the progress that the lines of running stages tell of.

    Args:
        title: of what runs.
        say: gets each line in its turn.
    """

    def __init__(self, title: str, say: Say) -> None:
        self._title = title
        self._say = say
        self._artifact: UUID | None = None
        self._moved = 0.0

    def listen(self, line: str) -> None:
        """Take a line."""
        self._say(line)
        step = step_of(line)
        if step is not None and time.monotonic() - self._moved >= EVERY:
            self._move(step)

    def finish(self) -> None:
        """Fill the bar, if there is one: all has been done."""
        if self._artifact:
            self._move(Step("done", 100.0))

    def _move(self, step: Step) -> None:
        text = f"{self._title}: {step.text}"
        self._moved = time.monotonic()
        try:
            if self._artifact:
                update_progress_artifact(self._artifact, step.percent, text)
            else:
                made = create_progress_artifact(step.percent, key("progress", self._title), text)
                self._artifact = cast(UUID, made)  # a flow that isn't async gets no coroutine
        except (httpx.TransportError, PrefectHTTPStatusError):
            return  # the server is away: a stage never waits for a bar, and the next line moves it
