"""A court over data made on the spot, and a subject that is a plain function."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from aepipe.data.dataset import Dataset
from aepipe.data.ingestion import Assignment, write_dataset
from aepipe.data.sources.source import SourceData, numbered, slices
from aepipe.evaluation.judge import Court
from aepipe.evaluation.outcome import Subject
from aepipe.evaluation.uncertainty import Bootstrap
from aepipe.monitor import Silent
from aepipe.params.evaluation import Probes


@dataclass(frozen=True)
class Bench:
    """The court, with the arrays behind it.

    Attributes:
        court: over ``dataset``.
        rows: features by split.
        labels: by split.
    """

    court: Court
    rows: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]


@pytest.fixture
def hold_court(tmp_path):
    """Give a function from features, labels and splits to a court."""

    def hold(features, labels, splits, batch_size=7, rows=1000) -> Bench:
        names = [f"c{number}" for number in range(max(labels.max() + 1, 0))]
        source = SourceData(
            where="here", shape=features.shape[1:], ids=numbered(len(features)),
            blocks=slices(features), labels=labels, classes=names,
        )  # fmt: skip
        folder = tmp_path / f"dataset{len(list(tmp_path.iterdir()))}"
        assigned = Assignment(splits, labels, "none")
        dataset: Dataset = write_dataset(source, "npz", assigned, folder, Silent())
        probes = Probes.model_validate({"linear": {"inverse_penalties": [1.0]}, "rows": rows})
        court = Court(dataset, tmp_path / "corrupted", probes, Bootstrap(0.9, 50, 1), 0, batch_size)
        parts = ("train", "valid", "test")
        return Bench(
            court,
            {split: features[splits == split] for split in parts},
            {split: labels[splits == split] for split in parts},
        )

    return hold


@pytest.fixture
def identity():
    """A subject whose code is the sample, and which rebuilds it with 3 taken for its limit."""
    subject = Subject(
        code_size=5,
        encode=lambda x: x.reshape(len(x), -1).astype(np.float64),
        decode=lambda code: np.clip(code, -3, 3).astype(np.float32),
    )
    return replace(subject)
