"""The workers of pools: they run the stages, whose results come back through DVC's remote."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from pydantic import BaseModel, ConfigDict, Field

from aepipe.errors import AepipeError
from aepipe.workspace import output
from flows.crew import Say, make_order, title, with_command
from flows.execution import carry_out, environment
from flows.graph import Graph, outputs_in_lock
from flows.order import Job, Order, Remote
from flows.outcome import Outcome
from flows.pools import require_server, require_workers, run_on_worker, workers_online

LOOK = 5.0  # seconds for which the number of workers of a pool is taken to stay
PARAMS = "params.yaml"
CODE = (".", ":!params.yaml", ":!dvc.lock", ":!.aepipe", ":!.dvc")  # what a revision has to hold


class Workers(BaseModel):
    """Where the workers get everything from, and which of them do what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pools: dict[str, str] = Field(default_factory=dict)
    """Another pool for a stage, a group of stages, or all of a pool: ``{"cuda": "cpu"}``."""
    repository: str | None = None
    """URL of the git repository as workers reach it; without it ``origin`` of the clone, or the
    clone itself where there is no ``origin``."""
    remote: str | None = None
    """URL of the DVC remote, the same for all; without it the one that each clone declares."""


@final
@dataclass(frozen=True, slots=True)
class Away:
    """The workers of the pools that stages ask for; the results come back through DVC's remote.

    Attributes:
        folder: of ``dvc.yaml``.
        line: lifeline of the flow.
        graph: what is to be brought up to date, with the pools where it goes.
        job: what all jobs of this run have in common.
        per_worker: jobs that are handed out for each worker at once.
    """

    folder: Path
    line: int
    graph: Graph
    job: Job
    per_worker: int
    worth: float = 20.0  # a worker's run needs 5 to 10 s before it does anything
    seen: dict[str, tuple[float, int]] = field(default_factory=dict)

    def settle(self, say: Say) -> dict[str, Outcome]:
        """Take from the caches all that needn't run, and see that somebody is there for the rest.

        Raises:
            AepipeError: on a pool that is needed nobody listens; the remote can't be reached.
        """
        taken = self._take(list(self.graph.needs), say, certain=False)
        waiting: dict[str, list[str]] = {}
        for stage, pool in self.graph.pools.items():
            if stage not in taken:
                waiting.setdefault(pool, []).append(stage)
        require_workers(waiting)
        return taken

    def slots(self, pool: str) -> int:
        """Give how many jobs the workers of a pool can have; one waits for them if all are gone."""
        at, workers = self.seen.get(pool, (0.0, 0))
        if not at or time.monotonic() - at > LOOK:
            workers = workers_online(pool)
            self.seen[pool] = (time.monotonic(), workers)
        return self.per_worker * max(workers, 1)

    def execute(self, stages: Sequence[str], say: Say) -> dict[str, Outcome]:
        """Have a group run by a worker of its pool, and take what it has made.

        Raises:
            AepipeError: no worker did it.
        """
        done = run_on_worker(self._job(stages), title(stages), self.line)
        made = [stage for stage, outcome in done.items() if outcome.succeeded]
        if made:
            self._take(made, say, certain=True)
        return {
            stage: with_command(outcome, self.folder, "--pull ") for stage, outcome in done.items()
        }

    def _take(self, stages: Sequence[str], say: Say, *, certain: bool) -> dict[str, Outcome]:
        order = make_order(self.graph, stages, run=False, remote=self.job.order.remote)
        order = order.model_copy(update={"certain": certain})
        return carry_out(order, self.line, self.folder, environment(), say)

    def _job(self, stages: Sequence[str]) -> Job:
        before = {n for stage in stages for n in self.graph.needs[stage]} - set(stages)
        order = make_order(self.graph, stages, run=True, remote=self.job.order.remote)
        pull = [
            path
            for stage in stages
            for path, writer in self.graph.inputs[stage].items()
            if writer not in stages
        ]
        return self.job.model_copy(
            update={
                "pool": self.graph.pools[stages[0]],
                "processes": self.graph.gpus.get(stages[0]),
                "lock": outputs_in_lock(self.folder, before),
                "order": order.model_copy(update={"pull": tuple(dict.fromkeys(pull))}),
            }
        )


def away(folder: Path, line: int, whole: Graph, per_worker: int, workers: Workers) -> Away:
    """Give the crew of ``workers`` for a clone whose code is committed.

    Raises:
        AepipeError: there is no server, the code is not committed, or ``pools`` names what isn't.
    """
    require_server()
    changed = output(["git", "status", "--porcelain", "--", *CODE], folder).splitlines()
    if changed:
        raise AepipeError(
            f"not committed: {', '.join(line[3:] for line in changed)}; workers take the code from "
            "a revision, so commit it, and push it to where they fetch from"
        )
    params = folder / PARAMS
    job = Job(
        repository=workers.repository or _origin(folder),
        revision=output(["git", "rev-parse", "HEAD"], folder).strip(),
        params=params.read_text(encoding="utf-8") if params.is_file() else None,
        pool="",
        processes=None,
        lock={},
        order=Order(run=True, remote=Remote(url=workers.remote)),
    )
    return Away(folder, line, whole.sent(workers.pools), job, per_worker)


def _origin(folder: Path) -> str:
    try:
        return output(["git", "remote", "get-url", "origin"], folder).strip()
    except AepipeError:
        return output(
            ["git", "rev-parse", "--path-format=absolute", "--git-common-dir"], folder
        ).strip()
