"""What representations cost: seconds of training from MLflow, and of encoding, measured here.

None of it can be in an output of the pipeline, whose bytes follow from its inputs. It is put
together when a person asks, for a table and for a copy of the report.
"""

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from aepipe.data.dataset import Dataset, open_dataset
from aepipe.errors import ArtifactError
from aepipe.evaluation.pca import fit_pca
from aepipe.models.absent import absence
from aepipe.models.digest import model_digest
from aepipe.monitor import Silent
from aepipe.params.root import Params
from aepipe.params.stack import DATASET, STACK
from aepipe.reporting.cost import Cost, Measured
from aepipe.reporting.formats import label, rate, seconds
from aepipe.reporting.metrics import Metrics, read_metrics
from aepipe.reporting.page import with_costs
from aepipe.reporting.terminal import open_console, print_rows
from aepipe.representation import Map, load_representations
from aepipe.stages import pca
from aepipe.tracking.find import Found, find_runs

RAW, PCA = DATASET, "models/pca"  # folders of what no network is
REPORTS = Path("reports")
PAGE, COPY = REPORTS / "index.html", REPORTS / "costs.html"
ON_LAYERS = ("models/autoencoder", "models/classifier")  # which begin with the stack's layers
SAMPLES = 1000  # encoded at once
LEAST_SECONDS = 0.5  # for which each representation encodes
HEADER = ("representation", "parameters", "multiply-adds", "training (s)", "on", "encoded per s")


def print_costs(root: Path, params: Params) -> None:
    """Print the table, and write a copy of the report that has it.

    Args:
        root: top folder of the repository.
        params: of the pipeline.

    Raises:
        AepipeError: something has not been made yet, or MLflow can't be reached.
    """
    metrics = read_metrics(root / REPORTS / "metrics.json")
    measured = measure(root, params, metrics)
    rows = [[*HEADER], *_rows(metrics, measured.costs)]
    console = open_console()
    print_rows(console, rows)
    console.print(measured.note, markup=False, style="dim")
    try:
        page = (root / PAGE).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ArtifactError(f"{PAGE}: no such file; `dvc repro report` makes it") from None
    (root / COPY).write_text(with_costs(page, metrics, measured), encoding="utf-8")
    console.print(f"report with costs: {COPY}", markup=False)


def measure(root: Path, params: Params, metrics: Metrics) -> Measured:
    """Find out what each entry of the comparison cost."""
    dataset = open_dataset(root / DATASET)
    folders = dict(params.evaluate.representations)
    folders |= {name: f"models/{name}" for name in params.models}
    runs = {path: _runs(root, path, params) for path in dict.fromkeys(folders.values())}
    found = find_runs(root, [digest for digests in runs.values() for digest in digests])
    fitting = _seconds_of_pca(dataset, params) if PCA in folders.values() else None
    costs: dict[str, Cost] = {}
    for name, path in folders.items():
        for representation in load_representations(root / path):
            entry = f"{name}{representation.name_suffix}"
            if entry not in metrics.representations:
                continue
            of_training = _training([found.get(digest) for digest in runs[path]])
            if path == PCA:
                of_training = fitting, "cpu"
            encoded = None if path == RAW else throughput(representation.encode, dataset)
            costs[entry] = Cost(*of_training, encoded)
    missing = [entry for entry in metrics.representations if entry not in costs]
    if missing:
        raise ArtifactError(
            f"{', '.join(missing)}: compared, but no longer declared; `dvc repro compare` makes "
            "the comparison again"
        )
    return Measured(costs, _note())


def throughput(encode: Map, dataset: Dataset) -> float:
    """Give how many training samples are encoded per second, a batch at a time."""
    parts = dataset.features("train")
    rows = torch.arange(min(SAMPLES, dataset.counts["train"])).numpy()
    batch = torch.from_numpy(dataset.scaled(parts.rows(rows)))
    best, began = float("inf"), time.perf_counter()
    with torch.inference_mode():
        encode(batch)  # what is made on first use is not what encoding costs
        while time.perf_counter() - began < LEAST_SECONDS:
            start = time.perf_counter()
            encode(batch)
            best = min(best, time.perf_counter() - start)
    return len(batch) / best


def _seconds_of_pca(dataset: Dataset, params: Params) -> float:
    """Fit PCA again: it has no run in MLflow, and takes seconds."""
    began = time.perf_counter()
    of_stage = pca.Params(params.stack, params.vae, params.models)
    sizes = pca.fitting(pca.code_sizes(of_stage), dataset.size, Silent())
    fit_pca(pca.scaled_blocks(dataset), sizes)
    return time.perf_counter() - began


def _runs(root: Path, path: str, params: Params) -> list[str]:
    """Give the digests of all trainings that the model in ``path`` took."""
    folders = [root / path]
    layers = [root / STACK / name for name in params.stack.layers]
    if path == STACK:
        folders = layers
    elif path in ON_LAYERS:
        folders = [*layers, root / path]
    elif path in (RAW, PCA):
        folders = []
    return [model_digest(folder) for folder in folders if absence(folder) is None]


def _training(runs: list[Found | None]) -> tuple[float | None, str]:
    """Add up the runs; nothing is known where one of them is not in this MLflow."""
    known = [run for run in runs if run is not None]
    devices = ", ".join(dict.fromkeys(run.device for run in known))
    times = [run.seconds for run in known if run.seconds is not None]
    whole = bool(times) and len(times) == len(runs)
    return sum(times) if whole else None, devices


def _rows(metrics: Metrics, costs: Mapping[str, Cost]) -> Iterator[list[str]]:
    for entry, figures in metrics.representations.items():
        cost: Any = costs[entry]
        counts = [f"{figures[name]:,.0f}" for name in ("parameters", "multiply_adds")]
        measured = [seconds(cost.training_seconds), cost.trained_on, rate(cost.encoded_per_second)]
        yield [label(entry), *counts, *measured]


def _note() -> str:
    return (
        "Training is by the clock of the machine where it ran, as MLflow has it: of one training, "
        "with the layers that it stands on, from its last checkpoint on if it was interrupted; of "
        "a classifier with its control. PCA was fitted again for its time. Encoding was measured "
        f"now, batches of {SAMPLES} samples on {torch.get_num_threads()} threads of a CPU with "
        f"{os.cpu_count()} cores, the fastest of the batches in {LEAST_SECONDS} s."
    )
