"""The flow that workers run: a group of stages, in a workspace of the worker's clone.

Names no stage. One deployment of it for each pool; what it is to do comes as a :class:`Job`.
"""

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from uuid import UUID

from prefect import flow, get_run_logger
from prefect.artifacts import create_table_artifact
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from prefect.types import KeyValueLabels

from aepipe.errors import AepipeError
from aepipe.workspace import SOURCES, output, prepare
from flows.crew import title
from flows.device import Fallback, Place, find_place
from flows.execution import carry_out, environment
from flows.graph import write_lock
from flows.order import Job
from flows.outcome import Outcome
from flows.progress import Bar
from flows.server import INTERVAL, LIFE, OUTCOMES, interval, patiently, reach
from flows.tether import lifeline
from flows.workspaces import TRACKING, any_free, making, share, sweep

WATCH_SECONDS = 1.0  # between two looks whether the worker still lives


@flow(name="run-stage")
def run_stage(job: Job, fallback: Fallback | None = None) -> State[None]:
    """Run a group of stages and give the remote what they have made.

    Args:
        job: what to do.
        fallback: ``cpu`` lets stages of a pool that promises CUDA run without it; for deployments.

    Returns:
        A failed state where a stage failed, with its last lines on top.

    Raises:
        AepipeError: the worker can't do what its pool promises, or the revision can't be had.
    """
    root = Path.cwd()
    with _signs_of_life(), lifeline() as line:
        place = find_place(job.pool, fallback)
        if place.fell_back:
            get_run_logger().warning(
                "the pool %s promises CUDA; there is none here, and this deployment falls back to "
                "the CPU", job.pool,
            )  # fmt: skip
        with any_free(root, "worker") as workspace:
            shared = _make_ready(root, workspace, job)
            bar = Bar(title(job.order.stages), _say)
            settings = _environment(job, place, shared)
            said = carry_out(job.order, line, workspace, settings, bar.listen)
            if all(outcome.succeeded for outcome in said.values()):
                bar.finish()
    outcomes = [
        outcome.model_copy(
            update={"pool": job.pool, "device": place.device, "fell_back": place.fell_back}
        )
        for outcome in said.values()
    ]
    patiently(lambda: _publish(outcomes))
    return _conclude(outcomes)


def _make_ready(root: Path, workspace: Path, job: Job) -> dict[str, str]:
    """Bring a workspace to the job's revision and params; of other runs only inputs stay in it.

    Gives the environment with which it shares what is to outlive it.
    """
    _fetch(root, job)
    with making(root):
        sweep(root)
        prepare(root, workspace, job.revision)
    shared = share(root, workspace)
    # .dvc has the settings, and what DVC remembers of checksums
    kept = [Path(".dvc"), SOURCES, TRACKING, *map(Path, job.order.pull)]
    excluded = [option for path in kept for option in ("--exclude", f"/{path}")]
    output(["git", "clean", "-ffdxq", *excluded], workspace)
    if job.params is not None:
        (workspace / "params.yaml").write_text(job.params, encoding="utf-8")
    write_lock(workspace, job.lock)
    return shared


def _fetch(root: Path, job: Job) -> None:
    try:
        output(["git", "rev-parse", "--verify", "--quiet", f"{job.revision}^{{commit}}"], root)
    except AepipeError:
        # FETCH_HEAD is one file for all who fetch at once, so nothing is read from it
        output(["git", "fetch", "--quiet", "--no-write-fetch-head", job.repository, job.revision],
               root)  # fmt: skip


def _environment(job: Job, place: Place, shared: dict[str, str]) -> dict[str, str]:
    processes = {"AEPIPE_PROCESSES": str(job.processes)} if job.processes else {}
    # what the worker was started with counts, but for a device that it hasn't got
    forced = place.environment if place.fell_back else {}
    return {**place.environment, **environment(), **shared, **processes, **forced}


def _say(line: str) -> None:
    get_run_logger().info("%s", line)


def _publish(outcomes: Sequence[Outcome]) -> None:
    create_table_artifact(
        [outcome.model_dump(mode="json") for outcome in outcomes],
        key=OUTCOMES,
        description="What became of each stage",
    )


def _conclude(outcomes: Sequence[Outcome]) -> State[None]:
    failed = [outcome for outcome in outcomes if outcome.did == "failed"]
    if failed:
        lines = [f"{o.stage} failed\n  " + "\n  ".join(o.last_lines) for o in failed]
        return Failed(message="\n".join(lines))
    return Completed(message=", ".join(f"{o.stage}: {o.did}" for o in outcomes))


@contextmanager
def _signs_of_life() -> Iterator[None]:
    """Say every few seconds that this run is at work, and end it with its worker.

    The worker's own signs would not do: one that was killed and started anew under the same name
    gives them for a run that it has never heard of.
    """
    stop = threading.Event()
    run, worker = UUID(flow_run.get_id()), os.getppid()
    threading.Thread(target=_give_signs, args=(run, stop), daemon=True).start()
    threading.Thread(target=_end_with, args=(worker, stop), daemon=True).start()
    try:
        yield
    finally:
        stop.set()


def _give_signs(run: UUID, stop: threading.Event) -> None:
    for number in count(1):
        labels: KeyValueLabels = {LIFE: number, INTERVAL: interval()}
        reach(partial(SyncPrefectClient.update_flow_run_labels, flow_run_id=run, labels=labels))
        if stop.wait(interval()):
            return


def _end_with(worker: int, stop: threading.Event) -> None:
    while not stop.wait(WATCH_SECONDS):
        if os.getppid() != worker:  # the system has given this process to another parent
            os.kill(os.getpid(), signal.SIGKILL)  # which also lets the stages' lifeline go
