"""What corruption of the input takes from a representation that was judged on clean samples."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypedDict

from aepipe.data.parts import Array
from aepipe.evaluation.outcome import Batches, Labels, Subject, accuracy, observe
from aepipe.evaluation.uncertainty import Bootstrap, Figure, bootstrap_mean


class RobustnessFigures(TypedDict):
    """Figures under one condition; None without labels, or without a decoder."""

    accuracy: Figure | None
    squared_error: Figure | None


def robustness_figures(
    subject: Subject,
    linear: Callable[[Array], Labels] | None,
    batches: Batches,
    labels: Labels,
    bootstrap: Bootstrap,
) -> RobustnessFigures:
    """Judge ``subject`` on corrupted samples.

    Args:
        subject: the representation.
        linear: the linear probe, fitted on clean codes, from codes to labels; None without labels.
        batches: pairs of corrupted and clean samples; reconstructions are held against the latter.
        labels: of all samples, -1 where there is none.
        bootstrap: of the intervals.
    """
    probes = {} if linear is None else {"linear": linear}
    outcome = observe(replace(subject, heads={}), batches, probes, scores={})
    right = error = None
    if linear is not None:
        right = accuracy(outcome.predictions["linear"], labels, bootstrap.confidence)
    if outcome.squared_error is not None:
        error = bootstrap_mean(outcome.squared_error, bootstrap)
    return {"accuracy": right, "squared_error": error}
