"""Concept units: for each class the single unit of the code that detects it best.

Le et al. (2012), ICML, "Building high-level features using large scale unsupervised learning",
section 4: a unit is a detector by its value alone, of either sign. There the best unit was chosen
on the test set; here it is chosen on another split, so that its area on test is no maximum of many.
"""

from typing import Any, TypedDict, final

import numpy as np
from numpy.typing import NDArray

from aepipe.data.dataset import UNLABELLED
from aepipe.data.parts import Array
from aepipe.evaluation.area import area, interval, resampled_areas, unit_areas
from aepipe.evaluation.judge import Court, labelled_codes
from aepipe.evaluation.outcome import Subject
from aepipe.evaluation.uncertainty import Figure
from aepipe.monitor import Monitor
from aepipe.params.judgements import Concepts

Float64 = NDArray[np.float64]


@final
class Concept(TypedDict):
    """The best unit of one class.

    Attributes:
        unit: its number in the code, counted from 0.
        sign: 1 where it is larger for the class than for others, -1 where it is smaller.
        chosen_area: area under its ROC on the codes that chose it.
        area: the same on test.
        sample: name of the test sample that excites it most, of whatever class.
        sample_class: class of that sample; None where it has none.
    """

    unit: int
    sign: int
    chosen_area: float
    area: Figure
    sample: str
    sample_class: str | None


def concept_figures(
    subject: Subject, court: Court, config: Concepts, monitor: Monitor
) -> dict[str, Any] | None:
    """Give ``mean``, the mean area over classes, and ``classes``, a :class:`Concept` for each.

    None where fewer than two classes have samples both in the split that chooses and in test.
    """
    chosen = labelled_codes(subject, court, config.choose_on)
    labels = court.dataset.labels("test")
    known = labels != UNLABELLED
    classes = np.intersect1d(chosen.labels, labels[known])
    if len(classes) < 2:
        monitor.remark(f"no concept units: {len(classes)} classes in {config.choose_on} and test")
        return None
    units, signs, found = best_units(chosen.codes, chosen.labels, classes)
    responses = np.concatenate(
        [
            subject.encode(batch)[:, units] * signs
            for batch in court.batches("test", court.test_rows)
        ]
    )  # (test samples, classes)
    ids, names = court.dataset.ids("test"), court.dataset.classes
    exciting = responses.argmax(axis=0)
    concepts: dict[str, Concept] = {}
    resampled: list[Float64] = []
    for place, number in enumerate(classes.tolist()):
        scores, positive = responses[known, place], labels[known] == number
        resampled.append(resampled_areas(scores, positive, court.bootstrap))
        sample = int(exciting[place])
        label = int(labels[sample])
        concepts[names[number]] = {
            "unit": int(units[place]),
            "sign": int(signs[place]),
            "chosen_area": float(found[place]),
            "area": interval(area(scores, positive), resampled[-1], court.bootstrap),
            "sample": str(ids[sample]),
            "sample_class": None if label == UNLABELLED else names[label],
        }
    mean = float(np.mean([concept["area"]["value"] for concept in concepts.values()]))
    return {
        "mean": interval(mean, np.mean(resampled, axis=0), court.bootstrap),
        "classes": concepts,
    }


def best_units(
    codes: Array, labels: Array, classes: Array
) -> tuple[NDArray[np.int64], NDArray[np.int64], Float64]:
    """Give for each class the unit that tells it best from the others, its sign, and its area.

    Args:
        codes: ``(n, units)``.
        labels: ``(n,)``.
        classes: numbers, each with a sample among ``labels``; at least two.

    Returns:
        Three arrays ``(classes,)``; areas are of ``sign * code`` and so at least one half.
    """
    areas = unit_areas(codes, labels, classes)
    units = np.abs(areas - 0.5).argmax(axis=1)
    best = areas[np.arange(len(classes)), units]
    signs = np.where(best >= 0.5, 1, -1)
    return units, signs, np.where(best >= 0.5, best, 1 - best)
