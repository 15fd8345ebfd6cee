"""What a person sees of a running stage: bars in a terminal, plain lines elsewhere."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar, final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from aepipe.monitor import Checkpoints, NoCheckpoints

Item = TypeVar("Item")
PLAIN_SECONDS = 5.0  # between two plain lines about the same work; a log stays readable


@final
class ConsoleMonitor:
    """Writes to standard error, so that standard output stays a program's own."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._figures = ""

    def progress(
        self, items: Iterable[Item], what: str, total: int | None = None
    ) -> Iterator[Item]:
        """Hand on ``items`` behind a bar, or with a line every few seconds."""
        total = total if total is not None else getattr(items, "__len__", lambda: None)()
        show = self._bar if self._console.is_terminal else self._lines
        yield from show(items, what, total)

    def record(self, step: int, figures: Mapping[str, float]) -> None:
        """Keep the figures for the next bar or line."""
        first: dict[float, str] = {}  # a loss of one term has the same figure as its total
        for name, value in figures.items():
            first.setdefault(value, name)
        self._figures = "  ".join(f"{name} {value:.4g}" for value, name in first.items())

    def remark(self, text: str) -> None:
        """Print one line."""
        self._console.print(text, markup=False)

    def warn(self, text: str) -> None:
        """Print one line that starts with ``warning:``."""
        self._console.print(f"warning: {text}", style="yellow", markup=False)

    def checkpoints(self, network: str) -> AbstractContextManager[Checkpoints]:
        """Keep none: they need to know what work it is."""
        return nullcontext(NoCheckpoints())

    def settled(self) -> None:
        """Do nothing."""

    def _bar(self, items: Iterable[Item], what: str, total: int | None) -> Iterator[Item]:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[figures]}", markup=False),
        )
        with Progress(*columns, console=self._console) as bar:
            task = bar.add_task(what, total=total, figures="")
            for item in items:
                yield item
                bar.update(task, advance=1, figures=self._figures)

    def _lines(self, items: Iterable[Item], what: str, total: int | None) -> Iterator[Item]:
        last = time.monotonic()
        for done, item in enumerate(items, start=1):
            yield item
            if time.monotonic() - last >= PLAIN_SECONDS:
                last = time.monotonic()
                self._console.print(f"{what}: {done}/{total or '?'}  {self._figures}", markup=False)
