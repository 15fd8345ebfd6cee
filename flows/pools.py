"""Pools of workers: who listens, handing a job out, and following it until it ends or is lost."""

import json
import os
import select
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import cast, final
from uuid import UUID

from prefect import get_run_logger
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterKey,
    FlowRunFilter,
    FlowRunFilterId,
)
from prefect.client.schemas.objects import FlowRun, State, WorkerStatus
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectNotFound
from prefect.settings import get_current_settings
from prefect.states import Cancelled, Cancelling, Crashed

from aepipe.errors import AepipeError
from flows.order import Job
from flows.outcome import Outcome
from flows.server import INTERVAL, LIFE, OUTCOMES, PATIENCE_SECONDS, patiently, reach

FLOW = "run-stage"
GOING = 10.0  # seconds in which to tell a worker, while going, that its run is to end
POLL = 1.0  # seconds between two looks at a run
ATTEMPTS = 3  # a job whose worker is lost is started again, but not for ever
MISSED = 4  # signs of life that may be missing
SHORTEST = 30.0  # seconds without one that a busy machine may need at any interval
AWAY = 10.0  # seconds after which an answer of the server means that it was away
TO_COME = 10.0  # seconds for a worker that has just been started, as its server may have been
TO_START = 300.0  # seconds in which a run that a worker has taken has to give its first sign
NOBODY = "AEPIPE_WORKER_PATIENCE_SECONDS"  # for a worker to come, once all of a pool are gone


def require_server() -> None:
    """Refuse to hand out jobs where no server is set up that a worker could know.

    Raises:
        AepipeError: there is none.
    """
    if not get_current_settings().api.url:
        raise AepipeError(
            "workers need a Prefect server that they and this flow reach, and none is set: "
            "`make server` on some machine, and PREFECT_API_URL=http://MACHINE:4200/api"
        )


def workers_online(pool: str) -> int:
    """Give how many workers listen on a pool.

    Raises:
        AepipeError: there is no deployment that would send jobs there.
    """
    return reach(lambda client: _online(client, _work_pool(client, pool)))


def require_workers(stages_of: dict[str, list[str]]) -> None:
    """Refuse what could only wait for ever.

    Args:
        stages_of: for each pool what is to run there.

    Raises:
        AepipeError: nobody listens on one of them; each is named.
    """
    end = time.monotonic() + TO_COME
    missing = stages_of
    while missing := {p: stages for p, stages in missing.items() if not workers_online(p)}:
        if time.monotonic() > end:
            raise AepipeError("\n".join(nobody(p, stages) for p, stages in missing.items()))
        time.sleep(POLL)


def nobody(pool: str, stages: Sequence[str]) -> str:
    """Say that no worker listens on a pool, and what to do."""
    shown = ", ".join(stages[:3]) + (f" and {len(stages) - 3} more" if len(stages) > 3 else "")
    return (
        f"no worker listens on the pool {pool!r}, where {shown} should run; start one "
        f"(`make worker POOL={pool}` in a clone), or send the pool's stages elsewhere "
        f'(pools: {{"{pool}": "OTHER"}})'
    )


def run_on_worker(job: Job, name: str, line: int) -> dict[str, Outcome]:
    """Hand a job out, and give what became of its stages; starts again where a worker is lost.

    Args:
        job: what to do.
        name: what people see.
        line: lifeline of the flow, with which the worker's run ends.

    Raises:
        AepipeError: it could not be done: no worker, lost too often, cancelled, or a failure that
            is not that of a stage.
    """
    key = os.urandom(8).hex()
    for attempt in range(ATTEMPTS):
        # a request that is repeated makes one run
        run = patiently(partial(_hand_out, job, name, f"{key}-{attempt}"))
        with _followed(run, job, line) as followed:
            state = followed.until_end()
        outcomes = _outcomes(run)
        if outcomes or not state.is_crashed():
            break
        get_run_logger().warning("%s: %s; it starts again", name, state.message)
    if not outcomes:
        raise AepipeError(f"{name} on {job.pool}: {state.name}: {state.message}")
    return {outcome.stage: outcome for outcome in outcomes}


def _hand_out(job: Job, name: str, key: str) -> UUID:
    run = run_deployment(
        f"{FLOW}/{job.pool}",
        parameters={"job": job.model_dump(mode="json")},
        flow_run_name=name,
        timeout=0,
        idempotency_key=key,
    )
    return cast(FlowRun, run).id  # a coroutine only where it was called from one


@contextmanager
def _followed(run: UUID, job: Job, line: int) -> Iterator["Followed"]:
    """Follow a run for as long as the block lasts; then it ends too."""
    own = os.dup(line)  # the flow closes its end while others still look
    followed = Followed(run, job, own)
    try:
        yield followed
    finally:
        os.close(own)
        followed.leave()


@final
class Followed:
    """A run that was handed out, looked at until it has ended or shows no sign of life."""

    def __init__(self, run: UUID, job: Job, line: int) -> None:
        self._run = run
        self._job = job
        self._line = line
        self._ended = False
        self._sign: object = None  # what last changed, and when
        self._since = time.monotonic()
        self._listened = time.monotonic()  # when somebody last did on the pool

    def until_end(self) -> State:
        """Give the final state.

        Raises:
            AepipeError: nobody is left on the pool to take it, or the flow is over.
        """
        while True:
            asked = time.monotonic()
            run = reach(lambda client: client.read_flow_run(self._run))
            state = run.state
            if state is not None and state.is_final():
                self._ended = True
                return state
            if time.monotonic() - asked > AWAY:  # and nobody could say a word
                self._since = self._listened = time.monotonic()
            self._look_for_life(run)
            if select.select([self._line], [], [], POLL)[0]:  # nothing is written: it was closed
                raise AepipeError("the flow was stopped")

    def leave(self) -> None:
        """Ask the worker to end a run that nobody follows any more."""
        if not self._ended:
            self._put(Cancelling(message="the flow that asked for it is over"), GOING)

    def _look_for_life(self, run: FlowRun) -> None:
        labels = run.labels
        sign = (run.state.type if run.state else None, labels.get(LIFE))
        now = time.monotonic()
        if sign != self._sign:
            self._sign, self._since, self._listened = sign, now, now
            return
        if run.state is None or run.state.is_scheduled():
            self._look_for_workers(now)
            return
        interval = labels.get(INTERVAL)
        silence = max(MISSED * float(str(interval)), SHORTEST) if interval else TO_START
        if now - self._since > silence:
            message = f"its worker has given no sign of life for {silence:.0f} s"
            # one that a person has asked to end doesn't start again
            lost = Cancelled if run.state.is_cancelling() else Crashed
            self._put(lost(message=message))

    def _look_for_workers(self, now: float) -> None:
        if workers_online(self._job.pool):
            self._listened = now
        elif now - self._listened > float(os.environ.get(NOBODY, 60)):
            self._put(Cancelled(message="nobody to do it"))
            self._ended = True
            raise AepipeError(nobody(self._job.pool, self._job.order.stages))

    def _put(self, state: State, patience: float = PATIENCE_SECONDS) -> None:
        put = partial(
            SyncPrefectClient.set_flow_run_state, flow_run_id=self._run, state=state, force=True
        )
        reach(put, patience)


def _work_pool(client: SyncPrefectClient, pool: str) -> str:
    try:
        name = client.read_deployment_by_name(f"{FLOW}/{pool}").work_pool_name
    except ObjectNotFound:
        raise AepipeError(
            f"the server has no deployment {FLOW}/{pool}; `make deploy` makes those of "
            "prefect.yaml, one for each pool"
        ) from None
    return name or pool


def _online(client: SyncPrefectClient, work_pool: str) -> int:
    try:
        workers = client.read_workers_for_work_pool(work_pool)
    except ObjectNotFound:
        return 0  # nobody has ever listened on it
    return sum(worker.status is WorkerStatus.ONLINE for worker in workers)


def _outcomes(run: UUID) -> list[Outcome]:
    found = reach(
        lambda client: client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[OUTCOMES])),
            flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run])),
        )
    )
    rows = [row for artifact in found for row in _rows(artifact.data)]
    return [Outcome.model_validate(row) for row in rows]


def _rows(data: object) -> list[object]:
    rows = json.loads(data) if isinstance(data, str) else data
    return rows if isinstance(rows, list) else []
