"""The tables that already lie on disk, each against its contract."""

from pathlib import Path

from aepipe.data.contracts import (
    Conditions,
    MapPoints,
    Predictions,
    Samples,
    checked,
    read_table,
    require_apart,
)
from aepipe.data.dataset import SPLITS, UNLABELLED, open_dataset
from aepipe.errors import ContractError
from aepipe.params.data import Data


def check_dataset(folder: Path, data: Data) -> str:
    """Hold the dataset's table against its contract and its arrays; say what there is.

    Raises:
        AepipeError: something is missing, damaged or breaks the contract.
    """
    dataset = open_dataset(folder)
    table = folder / "samples.parquet"
    samples = checked(Samples, read_table(table), table)
    require_apart(samples, data.across_splits, table)
    beyond = samples["label"][samples["label"] >= len(dataset.classes)]
    if len(beyond):
        raise ContractError(
            f"{table}: label {beyond.iloc[0]} in {len(beyond)} rows; expected 0 to "
            f"{len(dataset.classes) - 1} or {UNLABELLED}, since dataset.json has "
            f"{len(dataset.classes)} classes; `dvc checkout data/dataset` brings back what was made"
        )
    for split in SPLITS:
        listed = int((samples["split"] == split).sum())
        counts = {"features": len(dataset.features(split)), "dataset.json": dataset.counts[split]}
        if dataset.paired:
            counts["noisy"] = len(dataset.noisy(split))
        for place, count in counts.items():
            if count != listed:
                raise ContractError(
                    f"{folder}: {split}: {count} samples in {place}, {listed} listed in "
                    "samples.parquet; expected the same; `dvc checkout data/dataset` brings back "
                    "what was made"
                )
    return f"{len(samples)} samples"


def check_conditions(folder: Path) -> str:
    """Hold the table of corrupted splits against its contract; say what there is.

    Raises:
        AepipeError: it is missing, damaged or breaks the contract.
    """
    table = folder / "conditions.parquet"
    conditions = checked(Conditions, read_table(table), table)
    return f"{conditions['condition'].nunique()} conditions"


def check_predictions(folder: Path) -> str:
    """Hold one evaluation's tables against their contracts; say what there is.

    Raises:
        AepipeError: it is missing, damaged or breaks the contract.
    """
    table, points = folder / "samples.parquet", folder / "map.parquet"
    if points.is_file():  # there is none of a model that was not trained
        checked(MapPoints, read_table(points), points)
    return f"{len(checked(Predictions, read_table(table), table))} predictions"
