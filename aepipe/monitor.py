"""What a stage tells the world while it works: progress, figures, remarks.

Stages get a :class:`Monitor` as an argument and know nothing of terminals or trackers. What they
say through it never enters their outputs.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Protocol, TypeVar, final

Item = TypeVar("Item")


class Checkpoints(Protocol):
    """Where one training puts down its state, to be taken up again by the next try."""

    def found(self) -> Iterator[Path]:
        """Give the files that an earlier try of the same work has left, newest first."""
        ...

    def offer(self, write: Callable[[Path], None]) -> None:
        """Let ``write`` write a file, if it is time to.

        Raises:
            Interrupted: the process was asked to end; a file has been written.
        """
        ...


class Monitor(Protocol):
    """Listens to one stage."""

    def progress(
        self, items: Iterable[Item], what: str, total: int | None = None
    ) -> Iterator[Item]:
        """Hand on ``items``, showing how many of ``total`` have gone by.

        Args:
            items: what the stage works through.
            what: the work in a few words: "train first", "read images".
            total: how many there will be, where it is known.
        """
        ...

    def record(self, step: int, figures: Mapping[str, float]) -> None:
        """Note ``figures`` at ``step`` (an epoch, counted from 1) for the live curves."""
        ...

    def remark(self, text: str) -> None:
        """Say one line that a person would want to read."""
        ...

    def warn(self, text: str) -> None:
        """Say one line that a person must not miss."""
        ...

    def checkpoints(self, network: str) -> AbstractContextManager[Checkpoints]:
        """Give the checkpoints of one of the stage's networks, while it is being trained."""
        ...

    def settled(self) -> None:
        """Hear that the outputs are in place: there is nothing left to go on with."""
        ...


@final
class NoCheckpoints:
    """For a training that starts anew each time."""

    def found(self) -> Iterator[Path]:
        """Give nothing."""
        return iter(())

    def offer(self, write: Callable[[Path], None]) -> None:
        """Decline."""


@final
class Silent:
    """A monitor that hears and says nothing: for tests and for use as a library."""

    def progress(
        self, items: Iterable[Item], what: str, total: int | None = None
    ) -> Iterator[Item]:
        """Hand on ``items``."""
        yield from items

    def record(self, step: int, figures: Mapping[str, float]) -> None:
        """Forget them."""

    def remark(self, text: str) -> None:
        """Forget it."""

    def warn(self, text: str) -> None:
        """Forget it."""

    def checkpoints(self, network: str) -> AbstractContextManager[Checkpoints]:
        """Keep none."""
        return nullcontext(NoCheckpoints())

    def settled(self) -> None:
        """Do nothing."""


@final
class Prefixed:
    """A monitor whose names carry a prefix: for a stage that trains more than one network."""

    def __init__(self, monitor: Monitor, prefix: str) -> None:
        self._monitor = monitor
        self._prefix = prefix

    def progress(
        self, items: Iterable[Item], what: str, total: int | None = None
    ) -> Iterator[Item]:
        """Hand on ``items``."""
        yield from self._monitor.progress(items, f"{self._prefix}: {what}", total)

    def record(self, step: int, figures: Mapping[str, float]) -> None:
        """Note ``figures``, each as ``PREFIX_NAME``."""
        self._monitor.record(step, {f"{self._prefix}_{k}": v for k, v in figures.items()})

    def remark(self, text: str) -> None:
        """Say one line."""
        self._monitor.remark(f"{self._prefix}: {text}")

    def warn(self, text: str) -> None:
        """Say one line that must not be missed."""
        self._monitor.warn(f"{self._prefix}: {text}")

    def checkpoints(self, network: str) -> AbstractContextManager[Checkpoints]:
        """Give those of ``PREFIX_NETWORK``."""
        return self._monitor.checkpoints(f"{self._prefix}_{network}")

    def settled(self) -> None:
        """Hand it on."""
        self._monitor.settled()
