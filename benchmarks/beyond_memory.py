"""Training from disk beside training from memory, with a file cache that holds nothing.

    python -m benchmarks.beyond_memory [MEGABYTES]

Writes a made-up dataset of that size (400 without it) below the working folder and trains the VAE
of the benchmarks on it at batch 128, from memory and from disk in turn. Before each round from disk
the files are mapped anew and the system is told to forget what it holds of them, so that every row
is read from the disk.
"""

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch

from aepipe.data.parts import Parts
from aepipe.training.feed import Feed, Mapped, Resident, Rows
from benchmarks.measure import Pace, alternate, peak_megabytes, ratio
from benchmarks.networks import NETWORKS, PIXELS, random_parts
from benchmarks.trainer import Setting, build, train_epoch

BATCH = 128
STEPS = 60  # in a round at least


def main(megabytes: int) -> None:
    """Print one line."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        parts = random_parts(Path(folder) / "parts", megabytes * 2**20 // PIXELS, PIXELS)
        scaling = torch.tensor(1 / 255), torch.tensor(0.0)
        from_disk = _training()

        def cold(times: int) -> None:
            forget(parts.folder)
            from_disk(times, Mapped(Parts(parts.folder), *scaling), len(parts))

        cold(STEPS)
        alone = peak_megabytes()
        rows, from_memory = Resident(torch.from_numpy(parts.load()), *scaling), _training()
        works = {
            "memory": lambda times: from_memory(times, rows, len(parts)),
            "disk": cold,
        }
        found = ratio(alternate(works, Pace(5, 1.0), STEPS), "memory", "disk")
    print(
        f"{megabytes} MB of data: from disk {found['wall']:.0%} of the throughput from memory "
        f"({found['processor']:.0%} by processor time), {alone:.0f} MB resident at most "
        f"before they were loaded; load {os.getloadavg()[0]:.1f}"
    )


def forget(folder: Path) -> None:
    """Have the system drop what it keeps of files in memory that nobody maps."""
    for path in sorted(folder.glob("*.npy")):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _training() -> Callable[[int, Rows, int], None]:
    stored = torch.empty(0, PIXELS, dtype=torch.uint8)
    model, loss = build(Setting(NETWORKS["vae"], BATCH, "float32", torch.device("cpu"), stored))

    def work(times: int, rows: Rows, count: int) -> None:
        drawn = torch.randperm(count)[: times * BATCH]
        train_epoch(model, loss, Feed(rows, rows, None, drawn, BATCH), "float32")

    return work


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400)
