"""The pipeline as a Prefect flow: what ``dvc repro`` does, with independent branches side by side.

Names no stage: DVC says what there is and what has to run. Works with no server set up, since
Prefect then starts one of its own for as long as the flow runs.

``python -m flows.reproduce --help`` says how to run it by hand.
"""

import argparse
import os
import signal
import sys
from collections import Counter, deque
from collections.abc import Callable, Sequence
from pathlib import Path

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.exceptions import FailedRun
from prefect.futures import PrefectFuture
from prefect.states import Completed, Failed

from aepipe.errors import AepipeError
from flows.graph import Graph, locked_stages, order_lock, read_graph
from flows.schedule import walk
from flows.tether import lifeline, start

AT_ONCE = 2  # stages side by side; each uses all cores where it can, and few can all the time
LAST_LINES = 15  # of a failed stage, shown again at the end: an error message with its context

# What DVC says about a stage, and what that means.
SIGNS = {
    "Running stage ": "ran",
    "is cached - skipping run": "from cache",
    "didn't change, skipping": "unchanged",
}
Future = PrefectFuture[State[None]]
NOT_STARTED = "not started"

# Advice of DVC to a person at a prompt, which would come once for every stage.
ADVICE = ("To track the changes with git", "\tgit add ", "To enable auto staging", "\tdvc config ")


@task(task_run_name="{stage}", cache_policy=NO_CACHE)  # one cache only, and it is DVC's
def reproduce_stage(stage: str, root: Path, line: int) -> State[None]:
    """Bring one stage up to date; DVC decides whether anything has to run.

    Args:
        stage: as DVC calls it.
        root: folder of ``dvc.yaml``.
        line: lifeline of the flow, with which the stage ends.

    Returns:
        A state whose name says what DVC did, or a failed one with the stage's last lines.
    """
    logger = get_run_logger()
    command = [sys.executable, "-m", "dvc", "--wait-for-lock", "repro", "--single-item", stage]
    last: deque[str] = deque(maxlen=LAST_LINES)
    outcome = "unchanged"
    with start(command, line, root, _environment()) as process:
        for text in process.stdout or ():
            shown = text.rstrip()
            if not shown or shown.startswith(ADVICE):
                continue
            logger.info("%s", shown)
            last.append(shown)
            outcome = next((what for sign, what in SIGNS.items() if sign in shown), outcome)
    if process.returncode:
        return Failed(message=f"{stage} failed\n  " + "\n  ".join(last))
    return Completed(name=outcome)


@flow(name="reproduce")
def reproduce(
    root: Path = Path(), targets: tuple[str, ...] = (), at_once: int = AT_ONCE
) -> State[None]:
    """Bring the pipeline up to date, as ``dvc repro`` does, and leave the same ``dvc.lock``.

    Args:
        root: folder of ``dvc.yaml``.
        targets: stages to bring up to date with all that they need; all stages without any.
        at_once: how many stages may run side by side.

    Returns:
        Where stages failed, a failed state with the last lines of each; what didn't need them has
        been done. Called as a function, the flow raises ``prefect.exceptions.FailedRun`` then.

    Raises:
        AepipeError: there is no pipeline in ``root``, or a target is no stage of it.
    """
    root = root.resolve()
    before = locked_stages(root)
    graph = read_graph(root).upstream(targets)
    futures: dict[str, Future] = {}
    with lifeline() as line:

        def set_going(stage: str, finished: Callable[[bool], None]) -> None:
            # the pool is a tag: Prefect's concurrency limit of a tag is then that of a pool
            pooled = reproduce_stage.with_options(tags=[graph.pools[stage]])
            needs = [futures[need] for need in graph.needs[stage]]
            futures[stage] = pooled.submit(stage, root, line, wait_for=needs, return_state=False)
            futures[stage].add_done_callback(lambda future: finished(_succeeded(future)))

        walk(graph, at_once, set_going)
    order_lock(root, before)
    return _conclude(graph, {stage: future.state for stage, future in futures.items()})


def _succeeded(future: Future) -> bool:
    future.wait()  # it is done; but until asked to wait it takes its state from the server, late
    return future.state.is_completed()


def _environment() -> dict[str, str]:
    """Give the stages this Python under the name ``python``, and their lines as they come."""
    bin_folder = str(Path(sys.executable).parent)
    path = os.pathsep.join([bin_folder, os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"}


def _conclude(graph: Graph, states: dict[str, State[None]]) -> State[None]:
    """Say what became of each stage; completed only if all of them succeeded."""
    outcomes = {
        stage: (states[stage].name or "").lower() if stage in states else NOT_STARTED
        for stage in graph.needs
    }
    width = max(map(len, outcomes), default=0)
    table = "\n".join(f"  {stage:{width}}  {outcome}" for stage, outcome in outcomes.items())
    counts = ", ".join(f"{count} {what}" for what, count in Counter(outcomes.values()).items())
    get_run_logger().info("%s\n%s", counts, table)
    failed = [str(state.message) for state in states.values() if not state.is_completed()]
    if failed or NOT_STARTED in outcomes.values():
        return Failed(message="\n".join([*failed, counts]))
    return Completed(message=counts)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the flow from a command line; 1 if a stage failed, 2 for a user's mistake."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.reproduce",
        description="Bring the pipeline up to date, independent branches side by side.",
    )
    parser.add_argument("targets", nargs="*", metavar="STAGE", help="stages; all without any")
    parser.add_argument("--root", type=Path, default=Path(), help="folder of dvc.yaml")
    parser.add_argument("--at-once", type=int, default=AT_ONCE, help="stages side by side")
    parsed = parser.parse_args(arguments)
    # an orderly exit, unlike death by the signal, also ends Prefect's temporary server
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        reproduce(parsed.root, tuple(parsed.targets), parsed.at_once)
    except AepipeError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return error.exit_code
    except FailedRun as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
