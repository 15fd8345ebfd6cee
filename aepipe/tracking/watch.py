"""The monitor of a stage that runs for real: what a person sees, and MLflow."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar, final

from aepipe.checkpoints import Store, checkpoint_folder, checkpoint_seconds
from aepipe.command import Call
from aepipe.console import ConsoleMonitor
from aepipe.monitor import Checkpoints, Monitor
from aepipe.tracking.facts import (
    device,
    flattened,
    parameters,
    revision_tags,
    small_files,
    weights_tags,
)
from aepipe.tracking.journal import PENDING, Journal, Line
from aepipe.tracking.key import content_key
from aepipe.tracking.server import experiment_name

Item = TypeVar("Item")


@contextmanager
def watch(call: Call, outputs: Any) -> Iterator[Monitor]:
    """Give the monitor of ``call``; a run is made once the stage records its first figures.

    Args:
        call: the stage, with everything that it reads.
        outputs: where its results lie when the block ends.
    """
    monitor = Tracked(call)
    try:
        yield monitor
    except KeyboardInterrupt:
        monitor.close("KILLED", outputs)
        raise
    except BaseException:
        monitor.close("FAILED", outputs)
        raise
    monitor.close("FINISHED", outputs)


@final
class Tracked:
    """A console monitor whose figures also go to MLflow, which never keeps the stage waiting."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._console = ConsoleMonitor()
        self._journal: Journal | None = None
        self._store = Store(
            checkpoint_folder(), lambda: self._key.result(), self.warn, checkpoint_seconds()
        )
        self._warned = False
        self._started = time.time()

    def progress(
        self, items: Iterable[Item], what: str, total: int | None = None
    ) -> Iterator[Item]:
        """Hand on ``items``, showing how far they are."""
        yield from self._console.progress(items, what, total)

    def record(self, step: int, figures: Mapping[str, float]) -> None:
        """Show the figures and send them on their way."""
        self._console.record(step, figures)
        if self._journal is None:
            self._journal = Journal(self._header)
        plain = {name: float(value) for name, value in figures.items()}  # numpy's have no JSON
        line = {"what": "figures", "time": _milliseconds(), "step": step, "figures": plain}
        self._journal.put(line)
        self._complain(self._journal.trouble())

    def remark(self, text: str) -> None:
        """Say one line."""
        self._console.remark(text)

    def warn(self, text: str) -> None:
        """Say one line that must not be missed."""
        self._console.warn(text)

    def checkpoints(self, network: str) -> AbstractContextManager[Checkpoints]:
        """Give those of this work, which a try before may have left."""
        _ = self._key  # now, before somebody edits the code or the inputs
        return self._store.open(network)

    def settled(self) -> None:
        """Remove the checkpoints."""
        self._store.remove()

    @cached_property
    def _key(self) -> Future[str]:
        """The key of this work, made beside the stage, since that reads all inputs."""
        executor = ThreadPoolExecutor(1)
        key = executor.submit(content_key, self._call)
        executor.shutdown(wait=False)
        return key

    def close(self, status: Literal["FINISHED", "FAILED", "KILLED"], outputs: Any) -> None:
        """End the run, if there is one, with the small files among ``outputs``."""
        if self._journal is None:
            return
        params = json.dumps(parameters(self._call), indent=1)
        seconds = f"{time.time() - self._started:.2f}"
        line = {
            "what": "end",
            "time": _milliseconds(),
            "status": status,
            "tags": {"aepipe.duration_seconds": seconds, **weights_tags(outputs)},
            "files": {"params.json": params, **small_files(outputs)},
        }
        if status == "KILLED":  # whoever did it is waiting for the process to end
            self._journal.leave(line)
        else:
            self._complain(self._journal.close(line))

    def _header(self) -> Line:
        return {
            "what": "run",
            "time": round(self._started * 1000),
            "title": self._call.title,
            "key": self._key.result(),
            "experiment": experiment_name(self._call.experiment),
            "params": flattened(parameters(self._call)),
            "tags": {"aepipe.device": device(), **revision_tags(Path())},
        }

    def _complain(self, reason: str | None) -> None:
        """Warn, once: a server that is away is no reason to stop, nor to say so at each epoch."""
        if reason and not self._warned:
            self._warned = True
            self.warn(
                f"{reason}; the run is kept in {PENDING}, and the next stage that reaches MLflow, "
                "or `aepipe register`, sends it"
            )


def _milliseconds() -> int:
    return round(time.time() * 1000)
