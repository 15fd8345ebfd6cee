"""SIGTERM, Ctrl-C and a closed terminal as an orderly end: at once, or where work can be left."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import final

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PARENTS = {"DVC_STAGE", "TORCHELASTIC_RUN_ID"}  # variables that they set in what they run
Handler = Callable[[int, FrameType | None], None]


@final
class Interrupted(KeyboardInterrupt):
    """The process was asked to end; the message says by what, and how to go on.

    No ``Exception``, as Ctrl-C is none: what mends mistakes must not take it for one.
    """

    def __init__(self, number: int, advice: str = "the same command starts again") -> None:
        what = (
            "interrupted" if number == signal.SIGINT else f"ended by {signal.Signals(number).name}"
        )
        super().__init__(f"{what}; {advice}")
        self.number = number

    @property
    def exit_code(self) -> int:
        """As a shell reports death by the signal."""
        return 128 + self.number


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise :class:`Interrupted` inside the block as soon as one of the signals comes."""

    def end(number: int, frame: FrameType | None) -> None:
        raise Interrupted(number)

    with _handled(end):
        yield


@contextmanager
def postponed() -> Iterator[Callable[[], int | None]]:
    """Hold the first signal back until the block asks for it, or ends; a second one is not.

    The loss of the dvc, or of torch's launcher, that runs this process counts as a signal: nobody
    waits for it any more, and the next try would go on beside it.

    Returns:
        What gives the signal that has come, if one has.
    """
    parent = None if PARENTS.isdisjoint(os.environ) else os.getppid()
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if came:
            raise Interrupted(number)
        came.append(number)

    def asked() -> int | None:
        if not came and parent is not None and os.getppid() != parent:
            came.append(signal.SIGHUP)
        return came[0] if came else None

    with _handled(note):
        yield asked
    if came:
        raise Interrupted(came[0])


@contextmanager
def _handled(handler: Handler) -> Iterator[None]:
    """Handle the signals inside the block, but for those that are ignored, as nohup does."""
    if threading.current_thread() is not threading.main_thread():  # Python's rule
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    ours = [number for number in SIGNALS if before[number] != signal.SIG_IGN]
    try:
        for number in ours:
            signal.signal(number, handler)
        yield
    finally:
        for number in ours:
            signal.signal(number, before[number])
