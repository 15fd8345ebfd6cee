"""Accuracy by the number of labels: what a representation is worth where few are known.

The linear probe learns from growing shares of the labelled training samples, several draws of each,
every class in proportion. Codes are scaled by all training codes, which takes no labels; the
penalty is chosen on the whole validation split, and every draw is judged on the whole test split.
All draws are from one training split, so what another one would give is not in the interval.
"""

from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from aepipe.data.dataset import UNLABELLED
from aepipe.data.seeds import derive
from aepipe.evaluation.candidates import Labelled
from aepipe.evaluation.judge import Court, labelled_codes
from aepipe.evaluation.outcome import Subject
from aepipe.evaluation.probes import fit_scaled_linear, linear_scaler
from aepipe.evaluation.sampling import stratified
from aepipe.evaluation.uncertainty import Figure, figure, mean_over_draws, wilson
from aepipe.monitor import Monitor
from aepipe.params.judgements import Labels


class LabelFigures(TypedDict):
    """Accuracy of the linear probe with one number of labels.

    Attributes:
        accuracy: mean over draws, with an interval over draws and test samples: the curve's band.
        draws: accuracy of each draw; one alone where all labels are taken.
        inverse_penalties: what validation chose for each draw.
    """

    accuracy: Figure
    draws: list[float]
    inverse_penalties: list[float]


def label_figures(
    subject: Subject, court: Court, config: Labels, monitor: Monitor
) -> dict[str, LabelFigures] | None:
    """Give the figures by number of labels, rising; None without a linear probe or labels for it.

    The last is that of all labels, ``probes.rows`` at most: the linear probe itself. Declared
    numbers that are not below it are left out.
    """
    linear = court.probes.linear
    train, valid = (labelled_codes(subject, court, split) for split in ("train", "valid"))
    labels = court.dataset.labels("test")
    known = np.flatnonzero(labels != UNLABELLED)
    if (
        linear is None
        or len(np.unique(train.labels)) < 2
        or not len(valid.labels)
        or not len(known)
    ):
        monitor.remark("no accuracies by number of labels, for there is no linear probe")
        return None
    tested = np.concatenate([subject.encode(batch) for batch in court.batches("test", known)])
    scale, most = linear_scaler(linear, train.codes), len(train.labels)
    figures: dict[str, LabelFigures] = {}
    for count in sorted({*(n for n in config.counts if n < most), most}):
        right, chosen = [], []
        for draw in range(config.draws if count < most else 1):
            seed = derive(court.seed, f"labels/{count}/{draw}")
            rows = stratified(train.labels, count, seed)
            few = Labelled(train.codes[rows], train.labels[rows])
            probe = fit_scaled_linear(linear, few, valid, scale, monitor)
            right.append(probe.predict(tested) == labels[known])
            chosen.append(float(probe.chosen["inverse_penalty"]))
        figures[str(count)] = _figures(np.stack(right, axis=1), chosen, court.bootstrap.confidence)
    return figures


def _figures(right: NDArray[np.bool_], chosen: list[float], confidence: float) -> LabelFigures:
    """Judge ``(samples, draws)``: whether each sample was right with each draw of labels."""
    if right.shape[1] > 1:
        found = mean_over_draws(right.astype(np.float64), confidence)
        accuracy = figure(found["value"], max(0.0, found["low"]), min(1.0, found["high"]))
    else:
        accuracy = wilson(int(right.sum()), len(right), confidence)
    draws: list[float] = right.mean(axis=0).tolist()
    return {"accuracy": accuracy, "draws": draws, "inverse_penalties": chosen}
