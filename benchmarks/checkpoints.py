"""The share of a training that its checkpoints take, at the interval that they have by default.

``python benchmarks/checkpoints.py [SECONDS]`` trains the autoencoder of docs/mnist.md on random
samples for that long (180 without it), and writes its checkpoints below the working folder. Both
times are of the same run, so that a busy machine changes them alike.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from aepipe.checkpoints import SECONDS, Store
from aepipe.interruption import Interrupted
from aepipe.models.dense import DeepAutoencoder
from aepipe.monitor import Checkpoints
from aepipe.objectives.build.autoencoder import autoencoder_loss
from aepipe.training.feed import Feed, Resident
from aepipe.training.loop import Schedule, fit
from aepipe.training.state import Randomness

ROWS, WIDTHS = 60_000, [1000, 500, 250, 30]


class Timed:
    """A monitor whose checkpoints are timed, and end the training when it has gone on enough."""

    def __init__(self, store: Store, seconds: float) -> None:
        self._store, self._end = store, time.perf_counter() + seconds
        self.offers, self.written, self.bytes, self.spent = 0, 0, 0, 0.0

    def progress(self, items: Iterable[int], what: str, total: int | None = None) -> Iterator[int]:
        """Hand on ``items``."""
        yield from items

    def record(self, step: int, figures: object) -> None:
        """Forget them."""

    def remark(self, text: str) -> None:
        """Forget it."""

    def warn(self, text: str) -> None:
        """A benchmark without checkpoints would measure nothing."""
        raise RuntimeError(text)

    def settled(self) -> None:
        """Do nothing."""

    @contextmanager
    def checkpoints(self, network: str) -> Iterator["Timed"]:
        """Give itself, in front of the store's."""
        with self._store.open(network) as self._kept:
            yield self

    _kept: Checkpoints

    def found(self) -> Iterator[Path]:
        """Give what there is: nothing."""
        return self._kept.found()

    def offer(self, write: Callable[[Path], None]) -> None:
        """Hand it on and take the time."""

        def counted(path: Path) -> None:
            write(path)
            self.written += 1
            self.bytes = path.stat().st_size

        start = time.perf_counter()
        self._kept.offer(counted)
        self.spent += time.perf_counter() - start
        self.offers += 1
        if start > self._end:
            raise Interrupted(2)


def main(seconds: float) -> None:
    """Print one line."""
    torch.manual_seed(0)
    stored = torch.randint(0, 256, (ROWS, 784), dtype=torch.uint8)
    rows = Resident(stored, torch.tensor(1 / 255), torch.tensor(0.0))
    model = DeepAutoencoder(
        (784,), WIDTHS, ["relu", "relu", "relu", "linear"], ["relu"] * 3, "bernoulli"
    )
    loss = autoencoder_loss(model, "bernoulli", lambda x, generator, index=None: x, ())
    generators = [torch.Generator().manual_seed(number) for number in range(3)]
    randomness = Randomness(generators[0], generators[1], lambda: generators[2])
    schedule = Schedule(10_000, 0.001, "constant", 0.0, 10_000, "float32")
    feeds = [Feed(rows, rows, None, torch.arange(count), 256) for count in (ROWS, 6_000)]
    with tempfile.TemporaryDirectory(dir=".") as folder:
        store = Store(Path(folder), lambda: "key", print, SECONDS)
        monitor = Timed(store, seconds)
        start = time.perf_counter()
        try:
            fit(model, loss, (feeds[0], feeds[1]), schedule, randomness, monitor)
        except Interrupted:
            total = time.perf_counter() - start
    print(
        f"{monitor.written} checkpoints of {monitor.bytes / 1e6:.0f} MB in {total:.0f} s: "
        f"{monitor.spent:.2f} s, {monitor.spent / total:.2%} of the time "
        f"({monitor.offers} steps asked whether it was time)"
    )


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 180.0)
