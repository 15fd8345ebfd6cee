"""Paired comparisons of what was evaluated on the same samples, corrected for their number.

Errors are compared by a paired bootstrap, accuracies by McNemar's exact test. One correction runs
over all comparisons, since a reader will look for the best. That the best is chosen by the figures
it is then compared in makes its lead look surer than it is, all the more where several are close;
read those comparisons as saying which entries cannot be told from the best (Hsu 1984, Annals of
Statistics 12:1136), not as proof of the best one's rank.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, final

import pandas as pd

from aepipe.data.parts import Array
from aepipe.evaluation.uncertainty import Bootstrap, Figure, mcnemar, paired_test, share_difference

HEAD = "finetuned"
ERROR = "squared_error"


@final
@dataclass(frozen=True, slots=True)
class Evaluated:
    """One entry: what ``evaluate`` found.

    Attributes:
        kind: whether it is what others are compared with.
        figures: as the JSON file has them.
        samples: rows of ``samples.parquet`` in the order of the test split.
    """

    kind: Literal["raw", "pca", "other"]
    figures: dict[str, Any]
    samples: pd.DataFrame


@final
@dataclass(frozen=True, slots=True)
class Difference:
    """One paired comparison.

    Attributes:
        section: of the metrics that it belongs to.
        entry: whose figure comes first.
        name: of the figure, or of the head's rival.
        rival: what the entry is held against: an entry, or the name of a head or probe.
        figure: the mean difference with its interval.
        p_value: of the hypothesis that there is none.
        corrected: the same, for all comparisons together.
    """

    section: Literal["against_pca", "against_best", "heads"]
    entry: str
    name: str
    rival: str
    figure: Figure
    p_value: float
    corrected: float = 1.0


def differences(evaluated: Mapping[str, Evaluated], bootstrap: Bootstrap) -> Iterator[Difference]:
    """Hold each entry against its PCA and the best, and the fine-tuned head against its rivals."""
    for entry in evaluated:
        pca = baseline(entry, evaluated)
        if pca is not None:
            for name in _common(evaluated[entry], evaluated[pca]):
                yield _difference("against_pca", (entry, pca), name, evaluated, bootstrap)
    for name in dict.fromkeys(name for one in evaluated.values() for name in _names(one)):
        best = best_entry(name, evaluated)
        for entry, one in evaluated.items():
            if entry != best and name in _names(one):
                yield _difference("against_best", (entry, best), name, evaluated, bootstrap)
    for entry, one in evaluated.items():
        if one.figures["heads"].get(HEAD):
            yield _heads(entry, "control", one, (one, "control"), bootstrap)
            raw = best_raw_probe(evaluated)
            if raw is not None:
                yield _heads(entry, "raw", one, raw, bootstrap)


def best_entry(name: str, evaluated: Mapping[str, Evaluated]) -> str:
    """Give the entry with the least error or the highest accuracy, the first where several tie.

    Args:
        name: ``squared_error`` or a probe, that at least one entry has.
        evaluated: all entries.
    """
    if name == ERROR:
        errors = {
            entry: one.figures["reconstruction"][ERROR]["value"]
            for entry, one in evaluated.items()
            if name in _names(one)
        }
        return min(errors, key=lambda entry: float(errors[entry]))
    accuracies = {
        entry: one.figures["accuracy"][name]["value"]
        for entry, one in evaluated.items()
        if name in _names(one)
    }
    return max(accuracies, key=lambda entry: float(accuracies[entry]))


def baseline(entry: str, evaluated: Mapping[str, Evaluated]) -> str | None:
    """Give the largest PCA whose code is not larger than the entry's; None where there is none."""
    if evaluated[entry].kind == "pca":
        return None
    size = evaluated[entry].figures["code_size"]
    fitting = {
        other: one.figures["code_size"]
        for other, one in evaluated.items()
        if one.kind == "pca" and one.figures["code_size"] <= size
    }
    return max(fitting, key=lambda other: int(fitting[other]), default=None)


def best_raw_probe(evaluated: Mapping[str, Evaluated]) -> tuple[Evaluated, str] | None:
    """Give raw features and the probe best on them; None without labels or without them."""
    for one in evaluated.values():
        if one.kind == "raw" and one.figures["accuracy"]:
            accuracy: dict[str, Figure] = one.figures["accuracy"]
            return one, max(accuracy, key=lambda probe: accuracy[probe]["value"])
    return None


def _names(one: Evaluated) -> list[str]:
    """Figures of an entry that are compared: its error if it reconstructs, and its probes."""
    return [*([ERROR] if one.figures["reconstruction"] else []), *(one.figures["accuracy"] or {})]


def _common(one: Evaluated, other: Evaluated) -> list[str]:
    there = _names(other)
    return [name for name in _names(one) if name in there]


def _difference(
    section: Literal["against_pca", "against_best"],
    pair: tuple[str, str],
    name: str,
    evaluated: Mapping[str, Evaluated],
    bootstrap: Bootstrap,
) -> Difference:
    entry, rival = pair
    one, other = evaluated[entry], evaluated[rival]
    if name == ERROR:
        change = (one.samples[ERROR] - other.samples[ERROR]).to_numpy(float)
        figure, p_value = paired_test(change, bootstrap)
    else:
        figure, p_value = _accuracies(right(one, name), right(other, name), bootstrap)
    return Difference(section, entry, name, rival, figure, p_value)


def _heads(
    entry: str, name: str, one: Evaluated, rival: tuple[Evaluated, str], bootstrap: Bootstrap
) -> Difference:
    figure, p_value = _accuracies(right(one, HEAD), right(*rival), bootstrap)
    return Difference("heads", entry, name, rival[1], figure, p_value)


def _accuracies(first: Array, second: Array, bootstrap: Bootstrap) -> tuple[Figure, float]:
    return share_difference(first, second, bootstrap), mcnemar(first, second)


def right(one: Evaluated, probe: str) -> Array:
    """Say of each labelled sample whether a probe or head predicted its class."""
    known = one.samples[one.samples["label"] >= 0]
    correct: Array = (known[f"predicted_{probe}"] == known["label"]).to_numpy()
    return correct


def holm(comparisons: Sequence[Difference]) -> list[Difference]:
    """Correct the p-values for their number: the smallest times n, the next times n - 1, and so on.

    Holm (1979), Scandinavian Journal of Statistics 6:65. A corrected value is never below that of
    a smaller p-value, and never above 1.
    """
    order = sorted(range(len(comparisons)), key=lambda place: comparisons[place].p_value)
    corrected = list(comparisons)
    floor = 0.0
    for rank, place in enumerate(order):
        scaled = (len(comparisons) - rank) * comparisons[place].p_value
        floor = min(1.0, max(floor, scaled))
        corrected[place] = replace(comparisons[place], corrected=floor)
    return corrected
