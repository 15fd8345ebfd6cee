"""Going through a graph: each stage as soon as all that it needs is done, side by side."""

from collections.abc import Callable
from graphlib import TopologicalSorter
from queue import SimpleQueue
from typing import Protocol

from flows.graph import Graph


class Start(Protocol):
    """Sets one stage going."""

    def __call__(self, stage: str, finished: Callable[[bool], None]) -> None:
        """Return at once; ``finished`` is called, from any thread, with whether it succeeded."""
        ...


def walk(graph: Graph, at_once: int, start: Start) -> None:
    """Start every stage of ``graph`` whose needs have succeeded; return when none is left running.

    A stage that fails keeps what depends on it from starting, and nothing else. Of the stages that
    could start, the one with the longest chain of others waiting for it goes first.

    Args:
        graph: stages and their needs.
        at_once: how many may run side by side.
        start: sets one going.

    Raises:
        ValueError: ``at_once`` is below 1.
    """
    if at_once < 1:
        raise ValueError(f"at_once is {at_once}; expected 1 or more, or nothing would start")
    order = {stage: number for number, stage in enumerate(graph.needs)}
    heights = graph.heights()
    sorter = TopologicalSorter(graph.needs)
    sorter.prepare()
    ready: list[str] = []
    results: SimpleQueue[tuple[str, bool]] = SimpleQueue()
    running = 0
    while True:
        ready += sorter.get_ready()
        ready.sort(key=lambda stage: (-heights[stage], order[stage]))
        while ready and running < at_once:
            _start(start, ready.pop(0), results)
            running += 1
        if not running:
            return
        stage, succeeded = results.get()
        running -= 1
        if succeeded:
            sorter.done(stage)


def _start(start: Start, stage: str, results: SimpleQueue[tuple[str, bool]]) -> None:
    start(stage, lambda succeeded: results.put((stage, succeeded)))
