"""The answer in sentences, drawn from the metrics alone."""

from typing import Any

from aepipe.reporting.formats import (
    DEVIATION,
    label,
    metric,
    percent,
    points,
    probability,
    probe,
    significant,
)
from aepipe.reporting.metrics import Metrics


def findings(metrics: Metrics) -> list[str]:
    """Give a sentence on reconstruction, on the heads, on frozen codes: those that there are.

    Where models were trained several times, one on how far that carries.

    And one on each model that was declared but could not be trained.

    "Best" is the best on the test split, so each claim stands beside a p-value that is corrected
    for every comparison made.
    """
    missing = [f"There is no {label(name)}: {reason}." for name, reason in metrics.absent.items()]
    sentences = [_reconstruction(metrics), _heads(metrics), _frozen(metrics)]
    sentences += [_over_trainings(metrics), *missing]
    return [sentence for sentence in sentences if sentence]


def is_significant(metrics: Metrics, corrected: float) -> bool:
    """Say whether a Holm-corrected p-value is below the level that goes with the intervals."""
    return corrected < 1 - metrics.test["confidence"]


def relative_error(metrics: Metrics, entry: str) -> float | None:
    """Give how much larger the entry's squared error is than its PCA's, as a share of the latter.

    None where one of them does not reconstruct, or where PCA loses nothing.
    """
    against = metrics.against_pca.get(entry, {})
    if "squared_error_difference" not in against:
        return None
    baseline = metrics.representations[against["pca"]]["squared_error"]
    difference: float = against["squared_error_difference"]
    return difference / baseline if baseline > 0 else None


def has_equal_baseline(metrics: Metrics, entry: str) -> bool:
    """Say whether the PCA that the entry is held against has the very same code size."""
    sizes = [
        metrics.representations[one]["code_size"]
        for one in (entry, metrics.against_pca[entry]["pca"])
    ]
    return sizes[0] == sizes[1]


def _best_reconstruction(metrics: Metrics) -> tuple[str, float] | None:
    """Give the entry that is best beside PCA of the very same size, and its relative error."""
    relative = {entry: relative_error(metrics, entry) for entry in metrics.against_pca}
    known = {
        entry: share
        for entry, share in relative.items()
        if share is not None and has_equal_baseline(metrics, entry)
    }
    return min(known.items(), key=lambda item: item[1]) if known else None


def _over_trainings(metrics: Metrics) -> str | None:
    """Say how many trainings of the best reconstruction are better than PCA, and their spread."""
    best = _best_reconstruction(metrics)
    if best is None or best[0] not in metrics.trainings:
        return None
    entry, held = best[0], metrics.trainings[best[0]]["squared_error"]
    against, count = metrics.against_pca[entry], int(metrics.test["trainings"])
    return (
        f"Over {count} trainings with as many seeds, the squared error of {label(entry)} is "
        f"{metric('squared_error', held['mean'])} on average, with a standard deviation of "
        f"{significant(held['deviation'], DEVIATION)}; {against['squared_error_trainings']} of "
        f"them are better than {label(against['pca'])}."
    )


def _reconstruction(metrics: Metrics) -> str | None:
    best = _best_reconstruction(metrics)
    if best is None:
        return None
    entry, share = best
    against = metrics.against_pca[entry]
    ours = metric("squared_error", metrics.representations[entry]["squared_error"])
    theirs = metric("squared_error", metrics.representations[against["pca"]]["squared_error"])
    corrected = against["squared_error_p_holm"]
    sure = (
        "" if is_significant(metrics, corrected) else ", a difference that chance alone could give"
    )
    chance = f"{sure} ({probability(corrected)})"
    if share >= 0:
        return (
            f"No representation reconstructs better than PCA of its size; {label(entry)} comes "
            f"nearest, with a squared error of {ours} per sample against the {theirs} of "
            f"{label(against['pca'])}{chance}."
        )
    return (
        f"For its size, {label(entry)} reconstructs best: its squared error per sample is {ours}, "
        f"{percent(-share)} below the {theirs} of {label(against['pca'])}{chance}."
    )


def _heads(metrics: Metrics) -> str | None:
    for entry, against in metrics.heads.items():
        accuracy = metrics.representations[entry]["head_finetuned"]
        parts = [
            _distance(metrics, against[f"{rival}_difference"], against[f"{rival}_p_holm"], name)
            for rival, name in _rivals(against)
        ]
        return (
            f"The fine-tuned {label(entry)} is right on {percent(accuracy)} of "
            f"{int(metrics.test['samples'])} test samples: {'; '.join(parts)}."
        )
    return None


def _rivals(against: dict[str, Any]) -> list[tuple[str, str]]:
    rivals = [("control", "the same network from random weights")]
    if "raw" in against:
        rivals.append(("raw", f"{probe(against['raw'])} on raw features"))
    return [(rival, name) for rival, name in rivals if f"{rival}_difference" in against]


def _frozen(metrics: Metrics) -> str | None:
    linear = {
        entry: figures["accuracy_linear"]
        for entry, figures in metrics.representations.items()
        if "accuracy_linear" in figures
    }
    if not linear:
        return None
    entry = max(linear, key=lambda name: linear[name])
    text = f"A linear probe does best on {label(entry)} ({percent(linear[entry])})"
    against = metrics.against_pca.get(entry, {})
    if "linear_difference" not in against:
        return f"{text}."
    distance = _distance(
        metrics, against["linear_difference"], against["linear_p_holm"], label(against["pca"])
    )
    return f"{text}: {distance}."


def _distance(metrics: Metrics, difference: float, corrected: float, rival: str) -> str:
    if not is_significant(metrics, corrected):
        return f"no clear difference from {rival} ({points(difference)}, {probability(corrected)})"
    side = "above" if difference > 0 else "below"
    size = points(abs(difference)).removeprefix("+")
    return f"{size} {side} {rival} ({probability(corrected)})"
