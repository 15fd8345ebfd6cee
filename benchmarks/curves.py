"""What a thousand times more costs: seconds and memory against samples, code size and layers.

    python -m benchmarks.curves [--samples 10000000] [--only samples codes layers]

Every point runs in a process of its own, whose peak memory is thus that point's alone. Seconds are
of the processor, so that other work on the machine changes little. `grows` is the exponent p of
seconds ~ size**p from one size to the next: 1 is linear. Other curves have programs of their own:
stages `benchmarks.orchestration`, members of a sweep `benchmarks.sweep`, run caches and files
`benchmarks.scaling`.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import torch

from aepipe.data.parts import Parts
from aepipe.evaluation.pca import fit_pca
from aepipe.models.dense import DeepAutoencoder
from aepipe.objectives.autoencoder import reconstruction_loss
from aepipe.training.feed import Feed, Mapped
from benchmarks.measure import peak_megabytes, took
from benchmarks.networks import PIXELS, Built, Network, clean, images, random_parts
from benchmarks.trainer import Setting, train_epoch, training

Point = Callable[[int], dict[str, float]]
"""Gives the seconds that each work takes at a size."""

FEATURES = 64  # of a made-up sample, a byte each: that of the digits
UNITS = 256  # of each hidden layer of the curve of layers
COMPONENTS = 16
BATCH = 256
BLOCK = 65_536  # rows that PCA reads at once
STEPS = 200  # of a training that is timed, after as many that are not
SAMPLES = 10**7
CODES = (2, 8, 32, 128, 512, 2048)
LAYERS = (1, 2, 4, 8, 16, 32, 64)


def main() -> None:
    """Print a table for each curve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=SAMPLES, help="the most")
    parser.add_argument("--only", nargs="+", choices=POINTS, default=[*POINTS])
    parser.add_argument("--point", type=int, help="measure one size, and print JSON")
    asked = parser.parse_args()
    if asked.point is not None:
        found = POINTS[asked.only[0]](asked.point)
        print(json.dumps(found | {"peak MB": peak_megabytes()}))
        return
    decades = range(3, round(math.log10(asked.samples)) + 1)
    sizes = {"samples": [10**power for power in decades], "codes": CODES, "layers": LAYERS}
    for curve in asked.only:
        points = {size: _measured(curve, size) for size in sizes[curve]}
        print("\n".join(table(curve, points)), end="\n\n", flush=True)


def table(curve: str, points: Mapping[int, Mapping[str, float]]) -> Iterator[str]:
    """Give the lines of a curve, as Markdown."""
    works = list(next(iter(points.values())))
    timed = [work for work in works if not work.startswith("peak")]
    yield f"| {curve} | " + " | ".join(f"{w}, s | grows" if w in timed else w for w in works) + " |"
    yield "| --- " * (1 + len(works) + len(timed)) + "|"
    before: tuple[int, Mapping[str, float]] | None = None
    for size, found in points.items():
        cells = [f"{size:,}"]
        for work in works:
            cells.append(f"{found[work]:.3g}" if work in timed else f"{found[work]:,.0f}")
            if work in timed:
                cells.append(_exponent(before, size, found, work))
        before = size, found
        yield f"| {' | '.join(cells)} |"


def _exponent(
    before: tuple[int, Mapping[str, float]] | None, size: int, found: Mapping[str, float], work: str
) -> str:
    if before is None:
        return ""
    return f"{math.log(found[work] / before[1][work]) / math.log(size / before[0]):.2f}"


def _measured(curve: str, size: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.curves", "--only", curve, "--point", str(size)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(done.stdout))


def against_samples(rows: int) -> dict[str, float]:
    """Write so many samples in parts, fit PCA to them, train an epoch and encode, all from disk."""
    with tempfile.TemporaryDirectory(dir=".") as name:
        folder = Path(name) / "parts"
        seconds = {"write": took(lambda _: random_parts(folder, rows, FEATURES), 1).processor}
        parts = Parts(folder)
        stored = Mapped(parts, torch.tensor(1 / 255), torch.tensor(0.0))
        feed = Feed(stored, stored, None, torch.arange(rows), BATCH)
        network = _network([COMPONENTS])

        def fitted(_: int) -> None:
            fit_pca((block.astype(np.float32) / 255 for block in parts.blocks(BLOCK)), [COMPONENTS])

        def trained(_: int) -> None:
            loss = reconstruction_loss(network, "bernoulli", clean, {})
            train_epoch(network, loss, feed, "float32")

        def encoded(_: int) -> None:
            with torch.no_grad():
                for batch in feed.in_order():
                    network.encode(batch.target)

        works = {"PCA": fitted, "an epoch": trained, "encode": encoded}
        return seconds | {what: took(work, 1).processor for what, work in works.items()}


def against_code_size(size: int) -> dict[str, float]:
    """Train 784 pixels to so many units and back."""
    return {f"{STEPS} steps": _trained([size], PIXELS)}


def against_layers(layers: int) -> dict[str, float]:
    """Train so many layers of 256 units and their mirror images."""
    return {f"{STEPS} steps": _trained([UNITS] * layers, UNITS)}


def _trained(widths: list[int], features: int) -> float:
    def build() -> Built:
        network = _network(widths, features)
        return network, reconstruction_loss(network, "bernoulli", clean, {})

    stored = images()[:, :features].contiguous()
    network = Network(build, (features,))
    work = training(Setting(network, BATCH, "float32", torch.device("cpu"), stored))
    work(STEPS)
    return STEPS * took(work, STEPS).processor


def _network(widths: list[int], features: int = FEATURES) -> DeepAutoencoder:
    torch.manual_seed(0)
    hidden = ["relu"] * (len(widths) - 1)
    return DeepAutoencoder((features,), widths, [*hidden, "linear"], hidden, "bernoulli")


POINTS: dict[str, Point] = {
    "samples": against_samples,
    "codes": against_code_size,
    "layers": against_layers,
}

if __name__ == "__main__":
    main()
