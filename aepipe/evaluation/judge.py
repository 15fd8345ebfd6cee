"""The whole judgement of one representation, from a dataset on disk to its figures.

Probes learn from training codes and choose by validation codes; everything that is reported comes
from the test split, and from the same samples for every representation.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from aepipe.data.contracts import read_table
from aepipe.data.dataset import Dataset, Split
from aepipe.data.parts import Array, Parts
from aepipe.data.seeds import derive
from aepipe.evaluation.candidates import Labelled, Probe
from aepipe.evaluation.outcome import Outcome, Subject, accuracy, observe
from aepipe.evaluation.probes import fit_probes
from aepipe.evaluation.reconstruction import reconstruction_figures, scores
from aepipe.evaluation.robustness import robustness_figures
from aepipe.evaluation.sampling import stratified
from aepipe.evaluation.uncertainty import Bootstrap
from aepipe.monitor import Monitor
from aepipe.params.evaluation import Probes

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


@final
@dataclass(frozen=True, slots=True)
class Court:
    """What all representations have in common when they are judged.

    Attributes:
        dataset: with all three splits.
        corrupted: folder of ``CONDITION/SPLIT`` parts.
        probes: candidates, and the number of samples from which a probe learns.
        bootstrap: of the intervals.
        seed: the pipeline's.
        batch_size: samples in memory at once.
    """

    dataset: Dataset
    corrupted: Path
    probes: Probes
    bootstrap: Bootstrap
    seed: int
    batch_size: int

    def batches(self, split: Split, rows: Array) -> Iterator[Float32]:
        """Give the scaled features of ``rows`` of ``split``, batch by batch."""
        parts = self.dataset.features(split)
        for chosen in self._cut(rows):
            yield self.dataset.scaled(parts.rows(chosen))

    def clean_batches(self) -> Iterator[tuple[Float32, Float32]]:
        """Give the test split, each batch beside itself."""
        for clean in self.batches("test", self.test_rows):
            yield clean, clean

    def corrupted_batches(self, condition: str) -> Iterator[tuple[Float32, Float32]]:
        """Give the corrupted test split, each batch beside its clean version."""
        shown = Parts(self.corrupted / condition / "test")
        clean = self.batches("test", self.test_rows)
        for chosen, batch in zip(self._cut(self.test_rows), clean, strict=True):
            yield shown.rows(chosen), batch

    def conditions(self) -> list[str]:
        """Names of the conditions, in the order of ``conditions.parquet``."""
        table = read_table(self.corrupted / "conditions.parquet")
        return list(dict.fromkeys(table["condition"]))

    @property
    def test_rows(self) -> NDArray[np.int64]:
        """Every sample of the test split."""
        return np.arange(self.dataset.counts["test"])

    def _cut(self, rows: Array) -> Iterator[Array]:
        for start in range(0, len(rows), self.batch_size):
            yield rows[start : start + self.batch_size]


def judge(subject: Subject, court: Court, monitor: Monitor) -> tuple[dict[str, Any], Outcome]:
    """Give the figures of ``subject``, as the JSON file holds them, and what lies behind them."""
    probes = learn(subject, court, monitor)
    predict = {name: probe.predict for name, probe in probes.items()}
    dataset = court.dataset
    compared = scores(dataset.shape, dataset.value_range)
    outcome = observe(subject, court.clean_batches(), predict, compared)
    labels, confidence = dataset.labels("test"), court.bootstrap.confidence
    shares = {name: accuracy(p, labels, confidence) for name, p in outcome.predictions.items()}
    conditions = monitor.progress(court.conditions(), "corrupted splits")
    figures = {
        "code_size": subject.code_size,
        "reconstruction": _reconstruction(outcome, court),
        "accuracy": {name: shares[name] for name in probes} or None,
        "chosen": {name: dict(probe.chosen) for name, probe in probes.items()},
        "heads": {name: shares[name] for name in subject.heads},
        "robustness": {
            condition: robustness_figures(
                subject,
                predict.get("linear"),
                court.corrupted_batches(condition),
                labels,
                court.bootstrap,
            )
            for condition in conditions
        },
    }
    return figures, outcome


def learn(subject: Subject, court: Court, monitor: Monitor) -> dict[str, Probe]:
    """Fit the probes on codes of ``subject``; none where the labels do not allow it."""
    train, valid = (labelled_codes(subject, court, split) for split in ("train", "valid"))
    classes = len(np.unique(train.labels))
    if classes < 2 or not len(valid.labels) or (court.dataset.labels("test") < 0).all():
        monitor.remark(
            f"no accuracies: {classes} classes among the labels of the training split, "
            f"{len(valid.labels)} labels in the validation split"
        )
        return {}
    return fit_probes(court.probes, train, valid, court.seed, monitor)


def labelled_codes(subject: Subject, court: Court, split: Split) -> Labelled:
    """Encode those samples of ``split`` from which the probes learn or choose."""
    labels = court.dataset.labels(split)
    rows = stratified(labels, court.probes.rows, derive(court.seed, f"probe rows/{split}"))
    codes = [subject.encode(batch) for batch in court.batches(split, rows)]
    return Labelled(np.concatenate([np.empty((0, subject.code_size)), *codes]), labels[rows])


def spread(court: Court) -> Float64:
    """Give each test sample's squared distance from the mean of the test split, ``(n,)``."""
    total = np.zeros(court.dataset.shape)
    for batch in court.batches("test", court.test_rows):
        total += batch.sum(axis=0, dtype=np.float64)
    mean = total / court.dataset.counts["test"]
    centred = (batch - mean for batch in court.batches("test", court.test_rows))
    return np.concatenate(
        [np.square(batch).reshape(len(batch), -1).sum(axis=1) for batch in centred]
    )


def _reconstruction(outcome: Outcome, court: Court) -> Any:
    if outcome.squared_error is None:
        return None
    bounds = court.dataset.value_range
    peak = None if bounds is None else bounds[1] - bounds[0]
    pixels = (court.dataset.size, peak)
    return reconstruction_figures(
        outcome.squared_error, spread(court), outcome.scored, pixels, court.bootstrap
    )
