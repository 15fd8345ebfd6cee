"""Going through a graph: each stage as soon as all that it needs is done, side by side.

Stages go in groups, one process or worker's run each. A stage that may take long is a group of its
own. Where stages like it have been short in this run, as many go together as make starting worth
while.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Protocol, final

from flows.graph import Graph
from flows.outcome import Outcome

ENOUGH = 8  # stages of a pool that have run, before others of it are expected to be no longer


@final
@dataclass(frozen=True, slots=True)
class Capacity:
    """What can be handed out at once.

    Attributes:
        slots: how many groups may be at work in a pool.
        worth: seconds of work that make starting a process or a worker's run worth while.
    """

    slots: Callable[[str], int]
    worth: float


class Start(Protocol):
    """Sets a group of stages going."""

    def __call__(
        self, stages: Sequence[str], finished: Callable[[Mapping[str, Outcome]], None]
    ) -> None:
        """Return at once; ``finished`` is called, from any thread, with what became of each.

        A stage that is left out was not started, because one that it needs failed.
        """
        ...


def walk(graph: Graph, settled: Mapping[str, Outcome], capacity: Capacity, start: Start) -> None:
    """Start every stage of ``graph`` whose needs have succeeded; return when none is left running.

    A stage that fails keeps what depends on it from starting, and nothing else. Of the stages that
    could start, the one with the longest chain of others waiting for it goes first.

    Args:
        graph: stages, their needs and their pools.
        settled: what needn't start.
        capacity: how much at once.
        start: sets a group going.

    Raises:
        ValueError: there is no slot at all, so that nothing would ever start.
    """
    plan = Plan(graph, settled)
    results: SimpleQueue[tuple[Sequence[str], Mapping[str, Outcome]]] = SimpleQueue()
    running: list[str] = []  # the pool of each group at work
    while True:
        for pool in plan.pools():
            while (free := capacity.slots(pool) - running.count(pool)) > 0:
                group = plan.next_group(pool, free, capacity.worth)
                if not group:
                    break
                running.append(pool)
                _start(start, group, results)
        if not running:
            if any(plan.ready(pool) for pool in plan.pools()):
                raise ValueError(
                    "no slot for any stage; expected 1 or more, or nothing would start"
                )
            return
        ended, outcomes = results.get()
        running.remove(graph.pools[ended[0]])
        plan.learn(outcomes)


def _start(
    start: Start,
    group: Sequence[str],
    results: SimpleQueue[tuple[Sequence[str], Mapping[str, Outcome]]],
) -> None:
    start(group, lambda outcomes: results.put((group, outcomes)))


@final
class Plan:
    """What has been started, what has succeeded, and how long stages took."""

    def __init__(self, graph: Graph, settled: Mapping[str, Outcome]) -> None:
        self._graph = graph
        heights = graph.heights()
        number = {stage: place for place, stage in enumerate(graph.needs)}
        self._waiting = sorted(
            (stage for stage in graph.needs if stage not in settled),
            key=lambda stage: (-heights[stage], number[stage]),
        )
        self._done = set(settled)
        self._seconds: dict[str, list[float]] = {}  # for each family of stages, and each pool

    def pools(self) -> list[str]:
        """Pools that stages wait for."""
        return list(dict.fromkeys(self._graph.pools[stage] for stage in self._waiting))

    def ready(self, pool: str) -> list[str]:
        """Stages of a pool that could start, the most urgent first."""
        return [
            stage
            for stage in self._waiting
            if self._graph.pools[stage] == pool and self._graph.needs[stage] <= self._done
        ]

    def learn(self, outcomes: Mapping[str, Outcome]) -> None:
        """Take in what became of a group."""
        for stage, outcome in outcomes.items():
            if outcome.succeeded:
                self._done.add(stage)
            if outcome.did == "ran":
                for kind in (_family(stage), self._graph.pools[stage]):
                    self._seconds.setdefault(kind, []).append(outcome.seconds)

    def next_group(self, pool: str, free: int, worth: float) -> list[str]:
        """Give what goes to a free slot, in an order that can run; nothing where none is ready."""
        ready = self.ready(pool)
        if not ready:
            return []
        share = -(-len(ready) // free)  # the others are for the other slots
        group = ready[:1]
        total = self._expected(ready[0])
        if total is not None and ready[0] not in self._graph.gpus:
            for stage, seconds in self._followers(group, ready[1:share]):
                if total + seconds > worth:
                    break
                total += seconds
                group.append(stage)
        self._waiting = [stage for stage in self._waiting if stage not in group]
        return group

    def _followers(self, group: list[str], ready: Sequence[str]) -> Iterator[tuple[str, float]]:
        """Short stages that may go with ``group``, which grows meanwhile: then what needs it."""
        pool = self._graph.pools[group[0]]
        chained = (
            stage
            for stage in self._waiting
            if stage not in group
            and not self._graph.needs[stage] <= self._done
            and self._graph.needs[stage] <= {*self._done, *group}
        )
        for stages in (ready, chained):
            for stage in stages:
                seconds = self._expected(stage)
                alike = self._graph.pools[stage] == pool and stage not in self._graph.gpus
                if alike and seconds is not None:
                    yield stage, seconds

    def _expected(self, stage: str) -> float | None:
        """How long a stage will take, as far as stages of this run tell."""
        family = self._seconds.get(_family(stage))
        if family:
            return sum(family) / len(family)
        pool = self._seconds.get(self._graph.pools[stage], [])
        return max(pool) if len(pool) >= ENOUGH else None


def _family(stage: str) -> str:
    return f"{stage.split('@')[0]}@"
