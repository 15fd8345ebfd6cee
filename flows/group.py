"""A few stages one after another in one process: starting DVC takes longer than many stages do.

Started by :mod:`flows.execution` in the folder of ``dvc.yaml``, with a file that says what to do.
What DVC and the stages say goes to standard output, and between it what became of which stage.
"""

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from aepipe.errors import AepipeError, StorageError
from flows import cache
from flows.graph import Graph
from flows.order import MARK, Note, Order, Remote
from flows.outcome import Did

Value = TypeVar("Value")

PATIENCE = "AEPIPE_REMOTE_PATIENCE_SECONDS"  # for a remote that is away
PAUSE = 1.0  # seconds before the first new try; doubled for each further one
LONGEST_PAUSE = 30.0


def main(file: str) -> int:
    """Follow the order in ``file``; 2 if the transport of data failed."""
    order = Order.model_validate_json(Path(file).read_text(encoding="utf-8"))
    try:
        _follow(order)
    except AepipeError as error:
        _say(str(error))
        return error.exit_code
    return 0


def _follow(order: Order) -> None:
    graph = Graph(needs=order.needs, pools={}, inputs=order.inputs)
    if order.remote:
        _patiently(partial(cache.pull_data, order.pull, order.remote))
    if not order.run:
        taken = _patiently(partial(_take, order, graph))
        for stage, did in taken.items():
            _note(Note(stage=stage, did=did))
        return
    done: list[str] = []
    for stage in order.stages:
        if order.needs[stage] <= set(done) and _settle(stage, graph, done, order.remote):
            done.append(stage)
    if order.remote:
        _patiently(partial(cache.push, done, order.remote))


def _take(order: Order, graph: Graph) -> dict[str, Did]:
    taken = cache.take(graph, (), order.remote)
    lacking = set(order.stages) - set(taken)
    if order.certain and lacking:
        # a folder that is no longer mounted is one without a file
        raise StorageError(
            f"a worker has done {', '.join(sorted(lacking))}, but the DVC remote as seen from here "
            "lacks the results; do both use the same remote, and have they the same data/sources?"
        )
    return taken


def _settle(stage: str, graph: Graph, done: list[str], remote: Remote | None) -> bool:
    """Take a stage from the remote's cache or run it; say whether it is up to date."""
    _note(Note(stage=stage))
    if remote:
        taken = _patiently(lambda: cache.take(graph.of([stage]), done, remote))
        if stage in taken:
            _note(Note(stage=stage, did=taken[stage]))
            return True
    code = cache.reproduce(stage)
    _note(Note(stage=stage, code=code))
    return code == 0


def _patiently(exchange: Callable[[], Value]) -> Value:
    """Try again while the remote is away, as long as ``AEPIPE_REMOTE_PATIENCE_SECONDS`` says."""
    end = time.monotonic() + float(os.environ.get(PATIENCE, 300))
    pause = PAUSE
    while True:
        try:
            return exchange()
        except StorageError as error:
            if time.monotonic() + pause > end:
                raise
            _say(f"{error}; trying again in {pause:.0f} s")
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)


def _note(note: Note) -> None:
    _say(MARK + note.model_dump_json())


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201
