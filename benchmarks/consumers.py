"""What using a trained model costs: samples a second of `aepipe encode`, latency of a served model.

Run from the top folder, with ``OMP_WAIT_POLICY=PASSIVE`` as ``aepipe`` itself sets it:
``python benchmarks/consumers.py [FOLDER]``, where FOLDER holds the four
files of MNIST (default: data/sources/mnist). The networks are of the size that docs/mnist.md trains
and have random weights, which changes no time.

- ``encode``: the same 60,000 images through the bare network (scaled tensors in memory, batches of
  1,000), and from file to file. Rounds alternate; a ratio is that of one round, the middle one
  counts. Processor time is told beside it, which other work on the machine leaves alone.
- ``serve``: requests one after the other to a classifier behind ``mlflow models serve`` and
  ``aepipe serve``, each in a process of its own on this machine, JSON and all included.
"""

import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import numpy as np
import torch

from aepipe.consume.predictions import ROWS_AT_ONCE, Network
from aepipe.consume.streams import encode, open_samples
from aepipe.consume.trained import open_packed, pack
from aepipe.data.dataset import Dataset, describe_dataset
from aepipe.data.sources.idx import open_idx
from aepipe.models.files import Blueprint, construct, save_model
from aepipe.monitor import Silent
from aepipe.params.data import IdxSource

ROUNDS = 7
REQUESTS = 300
WIDTHS = [1000, 500, 250, 30]
ENCODER = {"shape": [1, 28, 28], "widths": WIDTHS, "nonlinearities": [*["relu"] * 3, "linear"]}
AUTOENCODER = Blueprint(
    "deep", {**ENCODER, "decoder_nonlinearities": ["relu"] * 3, "reconstruction": "bernoulli"}
)
CLASSIFIER = Blueprint("classifier", {**ENCODER, "classes": 10, "dropout": 0.2})


def packed(blueprint: Blueprint, folder: Path) -> Path:
    """Lay down a network with random weights as a registered version has it."""
    torch.manual_seed(0)
    save_model(folder / "trained", blueprint, construct(blueprint), facts={})
    described = Dataset(
        folder=folder,
        source="idx",
        digest="0" * 32,
        shape=(1, 28, 28),
        scale=1 / 255,
        offset=0.0,
        value_range=(0.0, 1.0),
        classes=[str(digit) for digit in range(10)],
        counts={"train": 60000, "valid": 0, "test": 10000},
        paired=False,
    )
    describe_dataset(described)
    pack(folder / "trained", folder / "dataset.json", folder / "packed")
    return folder / "packed"


def seconds(work: Callable[[], None]) -> tuple[float, float]:
    """Give how long ``work`` takes, and for how long it uses a processor."""
    start, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - used


def print_throughput(images: np.ndarray, folder: Path) -> None:
    """Print samples a second, and the ratio to the bare network, for each kind of output."""
    model = open_packed(packed(AUTOENCODER, folder))
    np.save(folder / "images.npy", images)
    rows = torch.from_numpy(model.dataset.scaled(images.reshape(-1, 1, 28, 28)))
    network = cast(Network, model.network)

    def bare() -> None:
        with torch.inference_mode():
            for part in torch.split(rows, ROWS_AT_ONCE):
                network.encode(part)

    def to_file(suffix: str) -> Callable[[], None]:
        output = folder / f"codes{suffix}"
        given = open_samples(folder / "images.npy", model, [], output)
        return lambda: encode(model, given, "codes", output, Silent())

    works = {"bare network": bare, "to .npy": to_file(".npy"), "to .parquet": to_file(".parquet")}
    for work in works.values():
        work()  # warms up
    took = [{name: seconds(work) for name, work in works.items()} for _ in range(ROUNDS)]
    for name in works:
        speed = len(images) / statistics.median(one[name][0] for one in took)
        ratio, used = (
            statistics.median(one["bare network"][kind] / one[name][kind] for one in took)
            for kind in (0, 1)
        )
        print(
            f"encode, {name:14}{speed:10,.0f} samples/s   {ratio:5.0%} of the bare network"
            f" ({used:.0%} by processor time)"
        )


@contextmanager
def served(command: Sequence[str], environment: dict[str, str]) -> Iterator[int]:
    """Run a server on a free port of this machine until the block ends, and give the port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            env={**os.environ, **environment},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            while not answers(port):
                if process.poll() is not None:
                    log.seek(0)
                    raise SystemExit(log.read().decode())
                time.sleep(0.2)
            yield port
        finally:
            os.killpg(process.pid, 15)
            process.wait()


def answers(port: int) -> bool:
    """Say whether the server is ready."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def print_latency(name: str, port: int, images: np.ndarray) -> None:
    """Print the median and the 99th percentile of the time that one request takes."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for count in (1, 100):
        body = json.dumps({"inputs": images[:count].tolist()})
        took: list[float] = []
        for _ in range(REQUESTS + 20):
            start = time.perf_counter()
            connection.request("POST", "/invocations", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            took.append(1000 * (time.perf_counter() - start))
            if answer.status != 200:
                raise SystemExit(f"{name}: status {answer.status}")
        kept = took[20:]  # the first ones warm up
        median, worst = statistics.median(kept), np.percentile(kept, 99)
        print(f"{name:20}batch of {count:3}   median {median:6.1f} ms   99 % {worst:6.1f} ms")


def print_latencies(images: np.ndarray, folder: Path) -> None:
    """Serve a classifier in both ways, one after the other."""
    from aepipe.registry.publish import save_model as save_for_mlflow

    save_for_mlflow("classifier", packed(CLASSIFIER, folder), folder / "mlflow")
    place = str(folder / "mlflow")
    quiet = {"MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"}
    ways = {
        "mlflow models serve": [
            "mlflow", "models", "serve", "--env-manager", "local", "-m", place, "--workers", "1",
        ],
        "aepipe serve": [sys.executable, "-m", "aepipe", "serve", "--model", place],
    }  # fmt: skip
    for name, command in ways.items():
        with served(command, quiet) as port:
            print_latency(name, port, images)


def main() -> None:
    """Print one line for each figure."""
    source = sys.argv[1] if len(sys.argv) > 1 else "data/sources/mnist"
    read = open_idx(IdxSource(kind="idx", folder=source))
    images = next(read.blocks(60000))[:, 0]
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        print_throughput(images, Path(folder) / "encode")
        print_latencies(images, Path(folder) / "serve")


if __name__ == "__main__":
    main()
