"""A small dataset of real digits as `ingest` lays it out, and evaluations as `evaluate` does."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits

from aepipe import checkpoints
from aepipe.checkpoints import Store
from aepipe.data.contracts import write_table
from aepipe.data.dataset import UNLABELLED, Dataset, describe_dataset
from aepipe.data.parts import write_parts
from aepipe.evaluation.uncertainty import Bootstrap, bootstrap_mean, figure, wilson
from aepipe.files import write_json
from aepipe.interruption import Interrupted
from aepipe.monitor import Silent
from aepipe.params.load import load_params

COUNTS = {"train": 120, "valid": 40, "test": 40}


@pytest.fixture(scope="session")
def small_digits(tmp_path_factory) -> Dataset:
    """200 digits, 8 x 8, in a folder of their own; not to be written to."""
    folder = tmp_path_factory.mktemp("digits") / "dataset"
    digits = load_digits()
    images = digits.images[:200, None].astype(np.uint8)
    splits = np.repeat(list(COUNTS), list(COUNTS.values()))
    for split in COUNTS:
        write_parts(folder / "features" / split, [images[splits == split]])
    flat = images.reshape(200, -1)
    pd.DataFrame(
        {
            "id": [f"{number:04d}" for number in range(200)],
            "split": splits,
            "label": digits.target[:200],
            "digest": [f"{number:032x}" for number in range(200)],
            "minimum": flat.min(axis=1).astype(float),
            "maximum": flat.max(axis=1).astype(float),
            "mean": flat.mean(axis=1),
        }
    ).to_parquet(folder / "samples.parquet", index=False)
    dataset = Dataset(
        folder=folder,
        source="digits",
        digest="0" * 32,
        shape=(1, 8, 8),
        scale=0.0625,
        offset=0.0,
        value_range=(0.0, 1.0),
        classes=[str(number) for number in range(10)],
        counts=dict(COUNTS),
        paired=False,
    )
    describe_dataset(dataset)
    return dataset


@pytest.fixture
def interrupted(tmp_path, monkeypatch) -> Callable[[Callable[[], None]], int]:
    """Runs a stage that is killed at the end of each epoch of each network, until it is through.

    Each try is a new one for all it knows, but for the checkpoints. Gives how many were killed.
    """
    monkeypatch.setattr(checkpoints, "RATIO", 0)
    told = set()

    def record(self, step, figures):
        if (step, *figures) not in told:
            told.add((step, *figures))
            raise Interrupted(15)

    def run(stage: Callable[[], None]) -> int:
        warned = []
        for tries in range(100):
            store = Store(tmp_path / "checkpoints", lambda: "key", warned.append, seconds=0.0)
            monkeypatch.setattr(Silent, "checkpoints", staticmethod(store.open))
            monkeypatch.setattr(Silent, "record", record)
            try:
                stage()
            except Interrupted:
                continue
            store.remove()
            assert warned == []
            assert list((tmp_path / "checkpoints").iterdir()) == []
            return tries
        raise AssertionError("it never comes to an end")

    return run


PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")
PROBES = ("linear", "nearest_neighbours")
CONDITIONS = ("masking_0.25", "gaussian_0.3")
BOOTSTRAP = Bootstrap(confidence=0.95, resamples=50, seed=1)


@dataclass(frozen=True)
class Made:
    """A stand-in for one entry: how large its code is, what it loses, how often it is right."""

    code_size: int
    error: float | None
    accuracy: float
    heads: tuple[str, ...] = ()
    further: bool = False  # whether there are judgements that not every pipeline asks for


def made_entries() -> dict[str, dict[str, Made]]:
    """Entries by the name of every representation and model that params.yaml declares."""
    of_path = {
        "data/dataset": {"": Made(64, None, 0.9, further=True)},
        "models/pca": {"_4": Made(4, 3.0, 0.6, further=True), "_8": Made(8, 2.0, 0.75)},
        "models/classifier": {"": Made(8, None, 0.9, ("finetuned", "control"))},
    }
    paths = dict(PARAMS.evaluate.representations) | dict.fromkeys(PARAMS.models, "")
    other = {"": Made(8, 1.0, 0.8)}
    return {
        name: {f"{name}{suffix}": made for suffix, made in of_path.get(path, other).items()}
        for name, path in paths.items()
    }


@pytest.fixture(scope="session")
def write_evaluation():
    """Writes `reports/evaluation` as `evaluate` would, of figures that are drawn by a seed."""

    def write(folder: Path, dataset: Dataset, labelled: bool = True) -> Path:
        rng = np.random.default_rng(0)
        for name, entries in made_entries().items():
            tables = [
                draw_samples(entry, made, dataset, labelled, rng) for entry, made in entries.items()
            ]
            figures = {
                entry: figures_of(made, table, labelled)
                for (entry, made), table in zip(entries.items(), tables, strict=True)
            }
            write_json(folder / f"{name}.json", figures)
            (folder / name).mkdir()
            write_table(folder / name / "samples.parquet", pd.concat(tables, ignore_index=True))
            maps = [
                draw_map(entry, made, dataset, labelled, rng) for entry, made in entries.items()
            ]
            write_table(folder / name / "map.parquet", pd.concat(maps, ignore_index=True))
            for entry, made in entries.items():
                if made.error is not None or made.code_size == 64:
                    write_shown(folder / name / entry, made, dataset)
        return folder

    return write


def draw_samples(entry, made, dataset, labelled, rng) -> pd.DataFrame:
    labels = dataset.labels("test") if labelled else np.full(dataset.counts["test"], UNLABELLED)
    errors = np.nan if made.error is None else made.error * rng.uniform(0.8, 1.2, len(labels))
    table = pd.DataFrame(
        {"entry": entry, "id": dataset.ids("test"), "label": labels, "squared_error": errors}
    )
    for probe in (*PROBES, *made.heads) if labelled else made.heads:
        right = rng.uniform(size=len(labels)) < made.accuracy
        table[f"predicted_{probe}"] = np.where(right, np.maximum(labels, 0), (labels + 1) % 10)
    return table


ON_MAP = {"train": 30, "valid": 10, "test": 20}


def draw_map(entry, made, dataset, labelled, rng) -> pd.DataFrame:
    """Each class about a place of its own, so that the map has something to show."""
    tables = []
    for split, count in ON_MAP.items():
        labels = dataset.labels(split)[:count] if labelled else np.full(count, UNLABELLED)
        errors = np.nan if made.error is None else made.error * rng.uniform(0.8, 1.2, count)
        columns = {"entry": entry, "id": dataset.ids(split)[:count], "split": split}
        places = {"x": labels % 4 + rng.normal(0, 0.3, count), "y": rng.normal(0, 1, count)}
        tables.append(pd.DataFrame(columns | {"label": labels, "squared_error": errors} | places))
    return pd.concat(tables, ignore_index=True)


def write_shown(stem, made, dataset) -> None:
    """What is reconstructed: the first test samples, the same under noise, the worst."""
    shown = dataset.scaled(dataset.features("test").load()[:3]) * np.float32(0.9)
    np.save(f"{stem}.npy", shown)
    np.save(f"{stem}.noisy.npy", np.stack([shown * np.float32(0.8)] * len(CONDITIONS)))
    if made.error is None:
        rows = [dataset.features(split).load()[:count] for split, count in ON_MAP.items()]
        np.save(f"{stem}.map.npy", np.concatenate(rows))
    else:
        np.save(f"{stem}.worst.npy", np.stack([shown, shown * np.float32(0.5)]))


def figures_of(made, table, labelled) -> dict:
    def share(probe):
        right = table[f"predicted_{probe}"] == table["label"]
        return wilson(int(right.sum()), len(table), 0.95) if labelled else None

    error = None
    if made.error is not None:
        error = bootstrap_mean(table["squared_error"].to_numpy(), BOOTSTRAP)
    quality = figure(0.9, 0.8, 0.95)
    further = {}
    if made.further:
        further["geometry"] = {"effective_dimension": figure(3.2, 3.0, 3.5), "dead_units": 2}
    if made.further and labelled:
        further["labels"] = {str(n): {"accuracy": share("linear")} for n in (10, 100)}
        further["clustering"] = {"nmi": quality, "ari": quality}
    return further | {
        "code_size": made.code_size,
        "parameters": 1000,
        "multiply_adds": 2345,
        "reconstruction": error
        and {"squared_error": error, "psnr": None, "ssim": quality, "explained_variance": quality},
        "accuracy": {probe: share(probe) for probe in PROBES} if labelled else None,
        "chosen": {},
        "map": {"share": 0.4},
        "heads": {head: share(head) for head in made.heads},
        "robustness": {
            condition: {"accuracy": share("linear") if labelled else None, "squared_error": error}
            for condition in CONDITIONS
        },
    }
