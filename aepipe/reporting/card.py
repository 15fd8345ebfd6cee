"""The data card: counts, examples, noise as it came out, and what the contracts say."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import pandas as pd

from aepipe.data.dataset import SPLITS, Dataset
from aepipe.reporting.exhibits import Strip
from aepipe.reporting.formats import condition, significant
from aepipe.reporting.samples import first_of_each_class

EXAMPLES, CLASSES = 10, 20  # of one class; and classes, of which more make a page of their own
DIGITS = 3  # of a noise level: the declared ones have no more


@final
@dataclass(frozen=True, slots=True)
class Noise:
    """One condition on one split, in words and figures as they are shown."""

    name: str
    split: str
    declared: str
    realised: str
    components: int


@final
@dataclass(frozen=True, slots=True)
class Contract:
    """Tables that were held against a contract, and hold.

    Attributes:
        table: which.
        name: of the contract, in :mod:`aepipe.data.contracts`.
        rows: of all the tables.
        says: what a reader wants to know of the result.
    """

    table: str
    name: str
    rows: int
    says: str


@final
@dataclass(frozen=True, slots=True)
class Card:
    """What the section on data shows.

    Attributes:
        shape: of a sample.
        splits: name and count of each.
        by_class: name of each class, and its counts by split.
        unlabelled: counts by split.
        examples: of each class.
        conditions: of corruption.
    """

    shape: str
    splits: list[tuple[str, int]]
    by_class: list[tuple[str, list[int]]]
    unlabelled: list[int]
    examples: list[Strip]
    conditions: list[Noise]


def data_card(dataset: Dataset, corrupted: Path) -> Card:
    """Describe the dataset and its corrupted splits."""
    labels = {split: dataset.labels(split) for split in SPLITS}
    return Card(
        shape=" x ".join(map(str, dataset.shape)),
        splits=[(split, dataset.counts[split]) for split in SPLITS],
        by_class=[
            (name, [int((labels[split] == number).sum()) for split in SPLITS])
            for number, name in enumerate(dataset.classes)
        ],
        unlabelled=[int((labels[split] < 0).sum()) for split in SPLITS],
        examples=first_of_each_class(dataset, EXAMPLES, CLASSES),
        conditions=_noise(_read(corrupted / "conditions.parquet")),
    )


def condition_names(corrupted: Path) -> list[str]:
    """Name the conditions in the order in which everything holds them."""
    return list(dict.fromkeys(_read(corrupted / "conditions.parquet")["condition"]))


def contracts(dataset: Path, corrupted: Path, evaluation: Path) -> list[Contract]:
    """Hold every table against its contract, and say what there is.

    Raises:
        ContractError: one is broken; with examples.
        ArtifactError: a table is missing or damaged.
    """
    from aepipe.data.contracts import Conditions, MapPoints, Predictions, Samples, checked

    def held(contract: Any, paths: Iterable[Path]) -> pd.DataFrame:
        return pd.concat([checked(contract, _read(path), path) for path in paths])

    samples = held(Samples, [dataset / "samples.parquet"])
    conditions = held(Conditions, [corrupted / "conditions.parquet"])
    predictions = held(Predictions, sorted(evaluation.glob("*/samples.parquet")))
    points = held(MapPoints, sorted(evaluation.glob("*/map.parquet")))
    shared = int((samples.groupby("digest")["split"].nunique() > 1).sum())
    low, high = (
        significant(float(value), DIGITS + 1)
        for value in (samples["minimum"].min(), samples["maximum"].max())
    )
    entries = predictions["entry"].nunique()
    return [
        Contract(
            "samples of the dataset", "Samples", len(samples),
            f"all identifiers differ; values from {low} to {high}, all finite; "
            f"{shared} samples with a copy in another split",
        ),
        Contract(
            "corrupted splits", "Conditions", len(conditions),
            "the realised level of every noise is within 6 standard deviations of the declared one",
        ),
        Contract(
            "predictions and errors", "Predictions", len(predictions),
            f"each of {entries} representations has every test sample once, with a finite error",
        ),
        Contract(
            "map of the codes", "MapPoints", len(points), "every coordinate is finite",
        ),
    ]  # fmt: skip


def _noise(table: pd.DataFrame) -> list[Noise]:
    return [
        Noise(
            name=condition(row["condition"]),
            split=row["split"],
            declared="" if pd.isna(row["declared"]) else significant(row["declared"], DIGITS),
            realised=significant(row["realised"], DIGITS + 1),
            components=row["components"],
        )
        for row in table.to_dict("records")
    ]


def _read(path: Path) -> pd.DataFrame:
    from aepipe.data.contracts import read_table  # pandera takes most of a second

    return read_table(path)
