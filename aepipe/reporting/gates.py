"""Conditions of a gate, held against figures: what holds, and the numbers behind it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

from aepipe.params.gates import Bound, NotWorseThanChampion
from aepipe.reporting.formats import is_better
from aepipe.reporting.metrics import Metrics

DIGITS = 6  # significant ones: enough to see on which side of a bound a figure is


@final
@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one condition.

    Attributes:
        condition: in one line.
        holds: whether the gate is open as far as this condition goes.
        because: the figures, or which of them is missing.
    """

    condition: str
    holds: bool
    because: str


def judge_bound(condition: Bound, metrics: Metrics) -> Verdict:
    """Hold a figure against a number or a baseline; a figure that is missing fails."""
    text = str(condition)
    figure = find_figure(condition.metric, condition.metric, metrics)
    if figure is None:
        return Verdict(text, holds=False, because=_missing(condition.metric))
    bound, origin = condition.value, ""
    if condition.baseline is not None:
        baseline = find_figure(condition.baseline, condition.metric, metrics)
        bound = None if baseline is None else baseline["value"] + (condition.margin or 0.0)
        origin = f", with {baseline['value']:.{DIGITS}g} of {baseline['entry']}" if baseline else ""
    if bound is None:
        return Verdict(text, holds=False, because=_missing(str(condition.baseline)))
    value = figure["value"]
    if condition.kind == "at_least":
        holds, relation = value >= bound, ("<", ">=")
    else:
        holds, relation = value <= bound, (">", "<=")
    because = f"{value:.{DIGITS}g} {relation[holds]} {bound:.{DIGITS}g}{origin}"
    return Verdict(text, holds, because)


def judge_against_champion(
    condition: str,
    metric: str,
    figure: Mapping[str, Any] | None,
    champion: Mapping[str, Any] | None,
) -> Verdict:
    """Hold a candidate's figure against the champion's and its interval.

    Args:
        condition: in one line.
        metric: ``ENTRY.FIGURE``.
        figure: the candidate's ``value``, None where it was not measured.
        champion: the ``value``, ``low`` and ``high`` of the present champion; None where its
            version says nothing of the metric.
    """
    if figure is None:
        return Verdict(condition, holds=False, because=_missing(metric))
    if champion is None:
        return Verdict(condition, holds=True, because=f"the champion says nothing of {metric}")
    value, low, high = figure["value"], champion["low"], champion["high"]
    rising = is_better(metric, 1.0)
    holds = value >= low if rising else value <= high
    side = "inside or better than" if holds else "worse than all of"
    because = f"{value:.{DIGITS}g} is {side} the champion's {low:.{DIGITS}g} to {high:.{DIGITS}g}"
    return Verdict(condition, holds, because)


def find_figure(metric: str, of: str, metrics: Metrics) -> dict[str, Any] | None:
    """Give ``value``, ``low``, ``high`` and ``entry`` of ``ENTRY.FIGURE``, if it was measured.

    Args:
        metric: its entry ``pca`` stands for the baseline of the entry of ``of``.
        of: the metric that is judged.
        metrics: as ``compare`` wrote them.
    """
    entry, _, name = metric.partition(".")
    if entry not in metrics.representations and _has_sizes(entry, metrics):
        entry = str(metrics.against_pca.get(of.partition(".")[0], {}).get("pca"))
    figures = metrics.representations.get(entry, {})
    if name not in figures:
        return None
    value = figures[name]
    interval = metrics.intervals.get(entry, {}).get(name, {"low": value, "high": value})
    return {"entry": entry, "value": value, **interval}


def against_champion(condition: NotWorseThanChampion, metrics: Metrics) -> dict[str, Any]:
    """Give what the registry needs to hold a candidate against its champion."""
    figure = find_figure(condition.metric, condition.metric, metrics)
    return {"condition": str(condition), "metric": condition.metric, "figure": figure}


def _has_sizes(entry: str, metrics: Metrics) -> bool:
    """Say whether it is a baseline that was evaluated at several code sizes."""
    known = (other.rpartition("_") for other in metrics.representations)
    return any(name == entry and size.isdigit() for name, _, size in known)


def _missing(metric: str) -> str:
    return f"{metric} was not measured"
