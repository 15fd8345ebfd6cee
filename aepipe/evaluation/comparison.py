"""Paired comparisons of what was evaluated on the same samples, corrected for their number.

Errors are compared by a paired bootstrap, accuracies by McNemar's exact test. Two corrections run,
each over all of its family, since a reader will look for the smallest p-value: one over the
comparisons with PCA and of heads, which are fixed beforehand; one over those with the best. Which
entry that is the same figures have told, so there every pair counts as if it had been compared.
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
        corrected: the same, for all comparisons of its family together.
    """

    section: Literal["against_pca", "against_best", "heads"]
    entry: str
    name: str
    rival: str
    figure: Figure
    p_value: float
    corrected: float = 1.0


def add_generation(figures: dict[str, Any], appraised: Mapping[str, Any]) -> None:
    """Put what was found of a network's samples among its figures, those of repeats likewise."""
    figures["generation"] = appraised
    for repeat, of_repeat in zip(
        figures.get("repeats", ()), appraised.get("repeats", ()), strict=bool(appraised)
    ):
        repeat["generation"] = of_repeat


def differences(evaluated: Mapping[str, Evaluated], bootstrap: Bootstrap) -> Iterator[Difference]:
    """Hold each entry against its PCA, and the fine-tuned head against its rivals."""
    for entry, one in evaluated.items():
        pca = baseline(entry, evaluated)
        if pca is not None:
            for name in _names(one):
                if name in _names(evaluated[pca]):
                    yield _difference("against_pca", (entry, pca), name, evaluated, bootstrap)
        if one.figures["heads"].get(HEAD):
            yield _heads(entry, "control", one, (one, "control"), bootstrap)
            raw = best_raw_probe(evaluated)
            if raw is not None:
                yield _heads(entry, "raw", one, raw, bootstrap)


def differences_from_best(
    evaluated: Mapping[str, Evaluated], bootstrap: Bootstrap
) -> Iterator[Difference]:
    """Hold each entry against the best of each figure that it has."""
    for name, entries in contenders(evaluated).items():
        best = best_entry(name, entries, evaluated)
        for entry in entries:
            if entry != best:
                yield _difference("against_best", (entry, best), name, evaluated, bootstrap)


def contenders(evaluated: Mapping[str, Evaluated]) -> dict[str, list[str]]:
    """Give the entries that have each figure which is compared."""
    names = dict.fromkeys(name for one in evaluated.values() for name in _names(one))
    return {name: [e for e, one in evaluated.items() if name in _names(one)] for name in names}


def pairs(evaluated: Mapping[str, Evaluated]) -> int:
    """Count the pairs of entries in each figure, over all figures."""
    return sum(len(e) * (len(e) - 1) // 2 for e in contenders(evaluated).values())


def best_entry(name: str, entries: Sequence[str], evaluated: Mapping[str, Evaluated]) -> str:
    """Give the entry with the least error or the highest accuracy, the first where several tie.

    Args:
        name: ``squared_error`` or a probe.
        entries: that have it, at least one.
        evaluated: all entries.
    """
    if name == ERROR:
        return min(
            entries,
            key=lambda entry: float(evaluated[entry].figures["reconstruction"][ERROR]["value"]),
        )
    return max(
        entries, key=lambda entry: float(evaluated[entry].figures["accuracy"][name]["value"])
    )


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


def holm(comparisons: Sequence[Difference], hypotheses: int) -> list[Difference]:
    """Correct the p-values for their number: the smallest times n, the next times n - 1, and so on.

    Holm (1979), Scandinavian Journal of Statistics 6:65. A corrected value is never below that of
    a smaller p-value, and never above 1.

    Args:
        comparisons: that were made.
        hypotheses: n; more than were made where those were chosen among so many.
    """
    order = sorted(range(len(comparisons)), key=lambda place: comparisons[place].p_value)
    corrected = list(comparisons)
    floor = 0.0
    for rank, place in enumerate(order):
        scaled = (hypotheses - rank) * comparisons[place].p_value
        floor = min(1.0, max(floor, scaled))
        corrected[place] = replace(comparisons[place], corrected=floor)
    return corrected
