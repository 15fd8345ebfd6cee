"""What a stage tells the world while it works: progress, figures, remarks.

Stages get a :class:`Monitor` as an argument and know nothing of terminals or trackers. What they
say through it never enters their outputs.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol, TypeVar, final

Item = TypeVar("Item")


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


@final
class Prefixed:
    """A monitor whose figures carry a prefix: for a stage that trains more than one network."""

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
