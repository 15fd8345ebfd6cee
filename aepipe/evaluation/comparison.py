"""Paired comparisons of what was evaluated on the same samples, corrected for their number.

Errors are compared by a paired bootstrap, accuracies by McNemar's exact test. One correction runs
over all comparisons, since a reader will look for the best.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, final

import pandas as pd

from aepipe.data.parts import Array
from aepipe.evaluation.uncertainty import Bootstrap, Figure, bootstrap_mean, mcnemar, paired_test

HEAD = "finetuned"


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
        name: of the figure, or of the rival.
        figure: the mean difference with its interval.
        p_value: of the hypothesis that there is none.
        corrected: the same, for all comparisons together.
    """

    section: Literal["against_pca", "heads"]
    entry: str
    name: str
    figure: Figure
    p_value: float
    corrected: float = 1.0


def differences(evaluated: Mapping[str, Evaluated], bootstrap: Bootstrap) -> Iterator[Difference]:
    """Hold each entry against its PCA, and the fine-tuned head against its rivals."""
    for entry, one in evaluated.items():
        rival = baseline(entry, evaluated)
        if rival is not None:
            yield from _against_pca(entry, one, evaluated[rival], bootstrap)
        if one.figures["heads"].get(HEAD):
            yield _heads(entry, "control", one, (one, "control"), bootstrap)
            best = best_raw_probe(evaluated)
            if best is not None:
                yield _heads(entry, "raw", one, best, bootstrap)


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


def _against_pca(
    entry: str, one: Evaluated, pca: Evaluated, bootstrap: Bootstrap
) -> Iterator[Difference]:
    if one.figures["reconstruction"] and pca.figures["reconstruction"]:
        change = (one.samples["squared_error"] - pca.samples["squared_error"]).to_numpy(float)
        p_value = paired_test(change, bootstrap)
        figure = bootstrap_mean(change, bootstrap)
        yield Difference("against_pca", entry, "squared_error", figure, p_value)
    for probe in one.figures["accuracy"] or {}:
        if probe in (pca.figures["accuracy"] or {}):
            figure, p_value = _accuracies(right(one, probe), right(pca, probe), bootstrap)
            yield Difference("against_pca", entry, probe, figure, p_value)


def _heads(
    entry: str, name: str, one: Evaluated, rival: tuple[Evaluated, str], bootstrap: Bootstrap
) -> Difference:
    figure, p_value = _accuracies(right(one, HEAD), right(*rival), bootstrap)
    return Difference("heads", entry, name, figure, p_value)


def _accuracies(first: Array, second: Array, bootstrap: Bootstrap) -> tuple[Figure, float]:
    change = first.astype(float) - second.astype(float)
    return bootstrap_mean(change, bootstrap), mcnemar(first, second)


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
