"""Who runs stages: processes on this machine, or, in :mod:`flows.away`, the workers of pools."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, final

from flows.execution import carry_out
from flows.graph import Graph
from flows.order import Order, Remote
from flows.outcome import HERE, Outcome

Say = Callable[[str], None]


class Crew(Protocol):
    """Brings stages up to date.

    Attributes:
        graph: what is to be brought up to date, with the pools where it really goes.
        worth: seconds of work that make starting a group worth while.
    """

    @property
    def graph(self) -> Graph: ...  # noqa: D102

    @property
    def worth(self) -> float: ...  # noqa: D102

    def settle(self, say: Say) -> dict[str, Outcome]:
        """Take from the caches all that needn't run."""
        ...

    def slots(self, pool: str) -> int:
        """Give how many groups may be at work in a pool."""
        ...

    def execute(self, stages: Sequence[str], say: Say) -> dict[str, Outcome]:
        """Bring a group up to date, and give what became of each stage that was started."""
        ...


@final
@dataclass(frozen=True, slots=True)
class Here:
    """Processes on this machine.

    Attributes:
        folder: of ``dvc.yaml``.
        line: lifeline of the flow, with which stages end.
        whole: what is to be brought up to date.
        at_once: how many processes.
        environment: of the stages.
    """

    folder: Path
    line: int
    whole: Graph
    at_once: int
    environment: Mapping[str, str]
    worth: float = 5.0  # DVC needs 1 to 2 s to start

    @property
    def graph(self) -> Graph:
        """All in one pool, for it is one machine."""
        return self.whole.sent(dict.fromkeys(self.whole.pools.values(), HERE))

    def settle(self, say: Say) -> dict[str, Outcome]:
        """Take from this machine's cache all that needn't run."""
        order = make_order(self.whole, list(self.whole.needs), run=False)
        return carry_out(order, self.line, self.folder, self.environment, say)

    def slots(self, pool: str) -> int:
        """Give the number of processes."""
        return self.at_once

    def execute(self, stages: Sequence[str], say: Say) -> dict[str, Outcome]:
        """Run a group in one process."""
        order = make_order(self.whole, stages, run=True)
        gpus = self.whole.gpus.get(stages[0])
        processes = {"AEPIPE_PROCESSES": str(gpus)} if gpus else {}
        done = carry_out(order, self.line, self.folder, {**self.environment, **processes}, say)
        return {stage: with_command(outcome, self.folder, "") for stage, outcome in done.items()}


def make_order(
    graph: Graph, stages: Sequence[str], *, run: bool, remote: Remote | None = None
) -> Order:
    """Say what to do with ``stages`` of ``graph``, which are in an order that can run."""
    among = set(stages)
    return Order(
        stages=tuple(stages),
        needs={stage: graph.needs[stage] & among for stage in stages},
        inputs={stage: graph.inputs[stage] for stage in stages},
        run=run,
        remote=remote,
    )


def title(stages: Sequence[str]) -> str:
    """Name a group: its first stage, and how many more."""
    return stages[0] + (f" and {len(stages) - 1} more" if len(stages) > 1 else "")


def with_command(outcome: Outcome, folder: Path, pull: str) -> Outcome:
    """Add the command that does the same at a prompt."""
    command = f"cd {folder} && dvc repro --single-item {pull}{outcome.stage}"
    return outcome.model_copy(update={"by_hand": command})
