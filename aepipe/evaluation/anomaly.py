"""Anomalies told by reconstruction error: a model of the normal rebuilds nothing else well.

Sakurada and Yairi (2014), MLSDA; the threshold comes from errors of training samples alone.
"""

from collections.abc import Iterable
from typing import TypedDict, assert_never

import numpy as np
from numpy.typing import NDArray

from aepipe.data.dataset import UNLABELLED
from aepipe.data.parts import Array
from aepipe.errors import ParamsError
from aepipe.evaluation.area import area_figure
from aepipe.evaluation.judge import Court
from aepipe.evaluation.outcome import Subject
from aepipe.evaluation.reconstruction import squared_errors
from aepipe.evaluation.uncertainty import Bootstrap, Figure, wilson
from aepipe.monitor import Monitor
from aepipe.params.judgements import Anomaly, MeanPlusDeviations, Quantile, Threshold

Float64 = NDArray[np.float64]


class AnomalyFigures(TypedDict):
    """How well the anomalous are told from the normal on the test split.

    Attributes:
        positive: what precision and recall are of, ``normal`` or ``anomalous``.
        threshold: error above which a sample counts as anomalous.
        accuracy: share of test samples that are told right.
        precision: share of what is called positive that is; None where nothing is called so.
        recall: share of the positive that is called so.
        roc_auc: probability that an anomalous sample has a larger error than a normal one.
    """

    positive: str
    threshold: float
    accuracy: Figure
    precision: Figure | None
    recall: Figure
    roc_auc: Figure


def anomaly_figures(
    subject: Subject, court: Court, config: Anomaly, monitor: Monitor
) -> AnomalyFigures | None:
    """Give the figures of ``subject``; None without a decoder, or without samples of both kinds.

    Raises:
        ParamsError: a normal class is not among the classes.
    """
    if subject.decode is None:
        return None
    normal = class_numbers(config.normal, court.dataset.classes)
    train, test = court.dataset.labels("train"), court.dataset.labels("test")
    # a sample of unknown class was trained on as if it were normal
    fitted = np.flatnonzero((train == UNLABELLED) | np.isin(train, normal))
    known = np.flatnonzero(test != UNLABELLED)
    anomalous = ~np.isin(test[known], normal)
    if not len(fitted) or not anomalous.any() or anomalous.all():
        monitor.remark(
            f"no detection of anomalies: {len(fitted)} normal training samples, "
            f"{int((~anomalous).sum())} normal and {int(anomalous.sum())} anomalous test samples"
        )
        return None
    trained = errors(subject, court.batches("train", fitted), config.error)
    tested = errors(subject, court.batches("test", known), config.error)
    limit = threshold(trained, config.threshold)
    return told_apart(tested, anomalous, limit, config.positive, court.bootstrap)


def told_apart(
    tested: Float64, anomalous: Array, limit: float, positive: str, bootstrap: Bootstrap
) -> AnomalyFigures:
    """Judge errors of test samples against a threshold.

    Args:
        tested: error of each sample, ``(n,)``.
        anomalous: whether it is, ``(n,)`` of bool; both kinds are there.
        limit: error above which a sample counts as anomalous.
        positive: ``normal`` or ``anomalous``.
        bootstrap: of the interval of the area; its confidence is that of all.
    """
    found, there = tested > limit, anomalous
    if positive == "normal":
        found, there = ~found, ~there
    right, called, level = int((found & there).sum()), int(found.sum()), bootstrap.confidence
    return {
        "positive": positive,
        "threshold": limit,
        "accuracy": wilson(int((found == there).sum()), len(tested), level),
        "precision": wilson(right, called, level) if called else None,
        "recall": wilson(right, int(there.sum()), level),
        "roc_auc": area_figure(tested, anomalous, bootstrap),
    }


def threshold(errors: Float64, config: Threshold) -> float:
    """Give the declared threshold from errors of training samples, ``(n,)``."""
    match config:
        case MeanPlusDeviations():
            return float(errors.mean() + config.deviations * errors.std())
        case Quantile():
            return float(np.quantile(errors, config.level))
        case _:
            assert_never(config)


def errors(subject: Subject, batches: Iterable[Array], kind: str) -> Float64:
    """Give each sample's error, ``squared`` or ``absolute``, summed over its features, ``(n,)``."""
    if subject.decode is None:
        raise ValueError("the representation has no decoder; expected one that reconstructs")
    found: list[Float64] = []
    for batch in batches:
        rebuilt = subject.decode(subject.encode(batch))
        if kind == "squared":
            found.append(squared_errors(batch, rebuilt))
        else:
            difference = np.abs(batch.astype(np.float64) - rebuilt)
            found.append(difference.reshape(len(batch), -1).sum(axis=1))
    return np.concatenate(found)


def class_numbers(names: Iterable[str], classes: list[str]) -> list[int]:
    """Give the numbers of the normal classes.

    Raises:
        ParamsError: one of them is no class.
    """
    unknown = [name for name in names if name not in classes]
    if unknown:
        raise ParamsError(
            f"evaluate.further.anomaly.normal names {', '.join(map(repr, unknown))}; expected "
            f"classes of the data: {', '.join(map(repr, classes)) or 'there are none'}"
        )
    return [classes.index(name) for name in names]
