"""Many networks at once against one after the other, with the same trainer, in one run.

    OMP_NUM_THREADS=2 python benchmarks/sweep.py [--features 784 --units 1000 --members 64]

Denoising autoencoders of FEATURES-UNITS-FEATURES; each with its own corruption and learning rate,
so that the optimizer finds no two alike. Rounds alternate: all members in one program, then each by
``fit``. Seconds are the clock's, and the processor's (of all threads) beside them, for a busy
machine changes the first more than the second. Then seconds against members. Needs torch and numpy
alone, and uses the device that AEPIPE_DEVICE names, else CUDA where there is some.
"""

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Generator, Tensor

from aepipe.corruption.noise import mask
from aepipe.models.dense import DeepAutoencoder
from aepipe.monitor import Silent
from aepipe.objectives.loss import Batch, Terms
from aepipe.objectives.reconstruction import bernoulli
from aepipe.sweeps.loop import fit_group
from aepipe.sweeps.program import Program, Rows
from aepipe.sweeps.state import Member
from aepipe.training.device import choose_device
from aepipe.training.feed import Feed, Resident
from aepipe.training.loop import Schedule, fit
from aepipe.training.seeds import generator, seed_weights
from aepipe.training.state import Randomness

COUNTS = (1, 2, 4, 8, 16, 32, 64, 128, 256)  # of the curve
VALID = 64  # validation samples: both ways validate, and that is not what is measured


def main() -> None:
    """Measure, print a table, and JSON as the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", type=int, default=64)
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--members", type=int, default=32)
    parser.add_argument("--samples", type=int, default=1280)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--curve", type=int, default=max(COUNTS), help="members at most")
    asked = parser.parse_args()
    bench = Bench(asked)
    bench.together(2), bench.alone(2)  # what only the first call costs
    rounds = [
        (bench.timed(bench.together, asked.members), bench.timed(bench.alone, asked.members))
        for _ in range(asked.rounds)
    ]
    print(
        f"{'round':>5} {'sweep s':>9} {'alone s':>9} {'ratio':>6}   {'processor':>9} {'ratio':>6}"
    )
    for number, (sweep, alone) in enumerate(rounds, start=1):
        print(
            f"{number:5} {sweep[0]:9.2f} {alone[0]:9.2f} {alone[0] / sweep[0]:6.2f}   "
            f"{sweep[1]:9.2f} {alone[1] / sweep[1]:6.2f}"
        )
    ratios = {
        what: statistics.median(alone[place] / sweep[place] for sweep, alone in rounds)
        for place, what in enumerate(("clock", "processor"))
    }
    print(
        f"median ratio: {ratios['clock']:.2f} by the clock, {ratios['processor']:.2f} by processor"
    )
    curve = {}
    print(f"{'members':>7} {'processor s':>11} {'ms per member and epoch':>24}")
    for count in (count for count in COUNTS if count <= asked.curve):
        _, seconds = bench.timed(bench.together, count)
        curve[count] = seconds
        print(f"{count:7} {seconds:11.2f} {1000 * seconds / count / asked.epochs:24.2f}")
    about = {"device": str(bench.device), "machine": platform.machine(), "cores": os.cpu_count()}
    about |= {"threads": torch.get_num_threads(), "torch": torch.__version__}
    print(json.dumps({**about, "asked": vars(asked), "ratios": ratios, "curve": curve}))


class Bench:
    """The same trainings both ways.

    Args:
        asked: the command line.
    """

    def __init__(self, asked: argparse.Namespace) -> None:
        self.asked, self.device = asked, choose_device()
        rows = torch.rand(
            asked.samples + VALID, asked.features, generator=Generator().manual_seed(1)
        ).to(self.device)
        one = torch.ones((), device=self.device)
        stored = Resident(rows, one, 0 * one)
        places = torch.arange(len(rows))
        whole = Feed(stored, stored, None, places, asked.batch)
        self.feeds = (
            replace(whole, indices=places[: asked.samples]),
            replace(whole, indices=places[asked.samples :]),
        )

    def together(self, count: int) -> None:
        """Train so many members in one program."""
        network = self.network(0)

        def given(rows: Rows, noise: Generator, epoch: int) -> Terms:
            shown, target, _ = rows
            return {"reconstruction": bernoulli(network.decode(network.encode(shown)), target)}

        members = [self.member(number) for number in range(count)]
        fit_group(members, Program(network, given, []), self.feeds, Silent())

    def alone(self, count: int) -> None:
        """Train them one after the other."""
        for number in range(count):
            network, member = self.network(number), self.member(number)

            def loss(
                batch: Batch,
                noise: Generator,
                epoch: int,
                network: DeepAutoencoder = network,
                member: Member = member,
            ) -> Terms:
                shown = member.corrupt(batch.input, noise)
                raw = network.decode(network.encode(shown))
                return {"reconstruction": bernoulli(raw, batch.target)}

            fit(network, loss, self.feeds, member.schedule, member.randomness, Silent())

    def network(self, number: int) -> DeepAutoencoder:
        """Give the network of a member, with its fresh weights."""
        seed_weights(number, "weights")
        shape, widths = (self.asked.features,), [self.asked.units]
        return DeepAutoencoder(shape, widths, ["sigmoid"], [], "bernoulli").to(self.device)

    def member(self, number: int) -> Member:
        """Give a member: corruption and learning rate are its own."""
        fraction = 0.1 + 0.4 * (number % 32) / 32

        def corrupt(x: Tensor, noise: Generator, index: Tensor | None = None) -> Tensor:
            return mask(x, fraction, noise)

        return Member(
            start=self.network(number).state_dict(),
            corrupt=corrupt,
            weigh=None,
            factors={},
            active=None,
            schedule=Schedule(
                epochs=self.asked.epochs,
                learning_rate=0.001 * 1.01**number,
                schedule="cosine",
                weight_decay=0.0,
                patience=self.asked.epochs,
                precision="float32",
            ),
            randomness=Randomness(
                order=generator(number, "order", torch.device("cpu")),
                noise=generator(number, "noise", self.device),
                validation=lambda: generator(number, "validation", self.device),
            ),
        )

    def timed(self, train: Callable[[int], None], count: int) -> tuple[float, float]:
        """Give seconds of the clock and of the processor that a training takes."""
        began = time.perf_counter(), time.process_time()
        train(count)
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - began[0], time.process_time() - began[1]


if __name__ == "__main__":
    main()
