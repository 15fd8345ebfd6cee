"""The pipeline as a Prefect flow: what ``dvc repro`` does, with independent branches side by side.

Names no stage: DVC says what there is and what has to run. Works with no server set up, since
Prefect then starts one of its own for as long as the flow runs. With ``workers`` the stages run on
the machines that listen on the pools which ``dvc.yaml`` names, and come back through DVC's remote.

``python -m flows.reproduce --help`` says how to run it by hand.
"""

import argparse
import signal
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.exceptions import FailedRun
from prefect.futures import PrefectFuture
from prefect.states import Completed, Failed
from ruamel.yaml import YAML

from aepipe.errors import AepipeError
from flows.artifacts import publish
from flows.away import Workers, away
from flows.crew import Crew, Here, title
from flows.graph import Graph, locked_stages, order_lock, read_graph
from flows.isolation import Ground, Isolated, ground, keep
from flows.outcome import Outcome
from flows.progress import Bar
from flows.schedule import Capacity, walk
from flows.tether import lifeline

AT_ONCE = 2  # stages side by side; each uses all cores where it can, and few can all the time
Future = PrefectFuture[State[None]]
Finished = Callable[[Mapping[str, Outcome]], None]


@task(task_run_name="{title}", cache_policy=NO_CACHE)  # one cache only, and it is DVC's
def run_group(
    title: str, stages: Sequence[str], crew: Crew, outcomes: dict[str, Outcome]
) -> State[None]:
    """Bring a few stages up to date, most often one; DVC decides whether anything has to run.

    Args:
        title: what people see.
        stages: as DVC calls them, in an order that can run.
        crew: runs them.
        outcomes: takes what became of each.

    Returns:
        A state whose name says what was done, or a failed one with the last lines of what failed.
    """
    say = get_run_logger().info
    bar = Bar(title, lambda line: say("%s", line))
    try:
        done = crew.execute(stages, bar.listen)
    except AepipeError as error:
        done = {s: Outcome(stage=s, did="failed", last_lines=(str(error),)) for s in stages}
    outcomes |= done
    failed = [f"{o.stage} failed\n  " + "\n  ".join(o.last_lines)
              for o in done.values() if o.did == "failed"]  # fmt: skip
    if failed:
        return Failed(message="\n".join(failed))
    bar.finish()
    return Completed(name=", ".join(dict.fromkeys(o.did for o in done.values())))


@flow(name="reproduce")
def reproduce(
    root: Path = Path(),
    targets: tuple[str, ...] = (),
    at_once: int = AT_ONCE,
    isolated: Isolated | None = None,
    workers: Workers | None = None,
) -> State[None]:
    """Bring the pipeline up to date, as ``dvc repro`` does, and leave the same ``dvc.lock``.

    Args:
        root: folder of ``dvc.yaml``.
        targets: stages to bring up to date with all that they need; all stages without any.
        at_once: how many stages may run side by side, here or on each worker.
        isolated: work in a workspace of its own below ``root``, at a revision and with overrides.
        workers: send stages to the workers of their pools; without it all of them run here.

    Returns:
        Where stages failed, a failed state with the last lines of each; what didn't need them has
        been done. Called as a function, the flow raises ``prefect.exceptions.FailedRun`` then.

    Raises:
        AepipeError: there is no pipeline in ``root``, a target is no stage of it, an override is
            wrong, another run is at work in the same folder, nobody listens on a pool, or a run
            of some stages is to be kept.
    """
    if isolated is not None and isolated.keep and targets:
        raise AepipeError(
            f"keep: DVC keeps whole runs only, and this one is of {', '.join(targets)}; name no "
            "stages, or leave `keep` out"
        )
    with ground(root.resolve(), isolated) as here, lifeline() as line:
        before = locked_stages(here.folder)
        graph = read_graph(here.folder).upstream(targets)
        crew = _crew(here, line, graph, at_once, workers)
        outcomes = crew.settle(get_run_logger().info)
        outcomes |= _run(crew, outcomes)
        order_lock(here.folder, before)
        became = [outcomes.get(s, Outcome(stage=s, did="not started")) for s in graph.needs]
        state = _conclude(became)
        publish(here.folder, became, get_run_logger().warning)
        if isolated is not None and isolated.keep and state.is_completed():
            keep(here.folder, isolated.keep)
        return state


def _crew(here: Ground, line: int, graph: Graph, at_once: int, workers: Workers | None) -> Crew:
    if at_once < 1:
        raise AepipeError(f"at_once is {at_once}; expected 1 or more, or nothing would start")
    if workers is None:
        return Here(here.folder, line, graph, at_once, here.environment)
    return away(here.folder, line, graph, at_once, workers)


def _run(crew: Crew, settled: Mapping[str, Outcome]) -> dict[str, Outcome]:
    """Run what is not settled; give what became of each stage that was started."""
    outcomes: dict[str, Outcome] = {}
    futures: dict[str, Future] = {}

    def set_going(stages: Sequence[str], finished: Finished) -> None:
        # the pool is a tag: Prefect's concurrency limit of a tag is then that of a pool
        pooled = run_group.with_options(tags=[crew.graph.pools[stages[0]]])
        needs = {need for stage in stages for need in crew.graph.needs[stage]}
        before = [futures[need] for need in needs if need in futures]
        future = pooled.submit(
            title(stages), stages, crew, outcomes, wait_for=before, return_state=False
        )
        futures.update(dict.fromkeys(stages, future))
        future.add_done_callback(lambda done: finished(_became(done, stages, outcomes)))

    walk(crew.graph, settled, Capacity(crew.slots, crew.worth), set_going)
    return outcomes


def _became(
    future: Future, stages: Sequence[str], outcomes: dict[str, Outcome]
) -> dict[str, Outcome]:
    """Give what became of a group, also where its task broke before it could say."""
    future.wait()  # it is done; but until asked to wait it takes its state from the server, late
    if not future.state.is_completed() and not any(stage in outcomes for stage in stages):
        lines = (str(future.state.message),)
        outcomes[stages[0]] = Outcome(stage=stages[0], did="failed", last_lines=lines)
    return {stage: outcomes[stage] for stage in stages if stage in outcomes}


def _conclude(became: Sequence[Outcome]) -> State[None]:
    """Say what became of each stage; completed only if all of them succeeded."""
    width = max((len(outcome.stage) for outcome in became), default=0)
    table = "\n".join(f"  {o.stage:{width}}  {o.did}{_where(o)}" for o in became)
    counts = ", ".join(f"{count} {did}" for did, count in Counter(o.did for o in became).items())
    get_run_logger().info("%s\n%s", counts, table)
    failed = [_explained(outcome) for outcome in became if outcome.did == "failed"]
    if not all(outcome.succeeded for outcome in became):
        return Failed(message="\n".join([*failed, counts]))
    return Completed(message=counts)


def _where(outcome: Outcome) -> str:
    if outcome.device is None:
        return ""
    fell_back = ", without the CUDA that it promises" if outcome.fell_back else ""
    return f" on {outcome.device} (pool {outcome.pool}{fell_back})"


def _explained(outcome: Outcome) -> str:
    lines = [f"{outcome.stage} failed", *outcome.last_lines]
    return "\n  ".join([*lines, f"by hand: {outcome.by_hand}"] if outcome.by_hand else lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the flow from a command line; 1 if a stage failed, 2 for a user's mistake."""
    parsed = _parser().parse_args(arguments)
    # an orderly exit, unlike death by the signal, also ends Prefect's temporary server
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        isolated, workers = _isolated(parsed), _workers(parsed)
        reproduce(parsed.root, tuple(parsed.targets), parsed.at_once, isolated, workers)
    except AepipeError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return error.exit_code
    except FailedRun as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flows.reproduce",
        description="Bring the pipeline up to date, independent branches side by side.",
    )
    add = parser.add_argument
    add("targets", nargs="*", metavar="STAGE", help="stages; all without any")
    add("--root", type=Path, default=Path(), help="folder of dvc.yaml")
    add("--at-once", type=int, default=AT_ONCE, help="stages side by side, here or on each worker")
    own = parser.add_argument_group("in a workspace of its own, apart from your edits")
    own.add_argument("--isolated", action="store_true", help="at HEAD, with its params")
    own.add_argument("--revision", help="at another commit, branch or tag")
    own.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides",
                     help="another value of params.yaml, as YAML: vae.code_size=8")  # fmt: skip
    own.add_argument("--keep", metavar="NAME", help="keep the finished run as a DVC experiment")
    pools = parser.add_argument_group("on the workers of a Prefect server (PREFECT_API_URL)")
    pools.add_argument("--workers", action="store_true", help="on those of each stage's pool")
    pools.add_argument("--pool", action="append", default=[], metavar="WHAT=POOL", dest="pools",
                       help="send a pool's stages, or a stage, to another pool")  # fmt: skip
    pools.add_argument("--repository", help="URL of the git repository, as workers reach it")
    pools.add_argument("--remote", help="URL of the DVC remote, the same for all")
    return parser


def _isolated(parsed: argparse.Namespace) -> Isolated | None:
    if not (parsed.isolated or parsed.revision or parsed.overrides or parsed.keep):
        return None
    values = {key: YAML(typ="safe").load(text) for key, text in _pairs(parsed.overrides).items()}
    return Isolated(revision=parsed.revision or "HEAD", overrides=values, keep=parsed.keep)


def _workers(parsed: argparse.Namespace) -> Workers | None:
    if not (parsed.workers or parsed.pools or parsed.repository or parsed.remote):
        return None
    pools = _pairs(parsed.pools)
    return Workers(pools=pools, repository=parsed.repository, remote=parsed.remote)


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    for text in texts:
        if "=" not in text:
            raise AepipeError(f"{text}: expected KEY=VALUE")
    return dict(text.split("=", 1) for text in texts)


if __name__ == "__main__":
    sys.exit(main())
