"""Tables for ``dvc plots``, which draws them and compares them between revisions."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from aepipe.reporting.metrics import Metrics, condition_of, label_counts


def write_plot_data(folder: Path, metrics: Metrics, confusion: pd.DataFrame) -> None:
    """Write one CSV file per plot.

    Args:
        folder: made if it is not there.
        metrics: of the comparison.
        confusion: columns ``actual`` and ``predicted``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _write(
        folder / "accuracy.csv", ["entry", "probe", "accuracy", "low", "high"], _accuracy(metrics)
    )
    header = ["entry", "code_size", "squared_error"]
    _write(folder / "reconstruction.csv", header, _reconstruction(metrics))
    header = ["entry", "condition", "level", "accuracy", "squared_error"]
    _write(folder / "robustness.csv", header, _robustness(metrics))
    header = ["entry", "labels", "accuracy", "low", "high"]
    _write(folder / "labels.csv", header, _labels(metrics))
    _write(folder / "confusion.csv", ["actual", "predicted"], confusion.to_numpy().tolist())


def _accuracy(metrics: Metrics) -> Iterable[Sequence[Any]]:
    for entry, figures in metrics.representations.items():
        for name, value in figures.items():
            if name.startswith(("accuracy_", "head_")):
                bounds = metrics.intervals[entry][name]
                yield entry, name.split("_", 1)[1], value, bounds["low"], bounds["high"]


def _reconstruction(metrics: Metrics) -> Iterable[Sequence[Any]]:
    for entry, figures in metrics.representations.items():
        if "squared_error" in figures:
            yield entry, figures["code_size"], figures["squared_error"]


def _robustness(metrics: Metrics) -> Iterable[Sequence[Any]]:
    """Give a row for each condition, and one at level 0 for the clean samples of each kind."""
    for entry, figures in metrics.representations.items():
        conditions = [condition_of(name) for name in figures if name.startswith("robust_")]
        clean = figures.get("accuracy_linear", ""), figures.get("squared_error", "")
        started: set[str] = set()
        for kind, level in dict.fromkeys(conditions):
            if kind not in started:
                started.add(kind)
                yield entry, kind, 0.0, *clean
            condition = kind if level is None else f"{kind}_{level:g}"
            noisy = [
                figures.get(f"robust_{f}_{condition}", "") for f in ("accuracy", "squared_error")
            ]
            yield entry, kind, "" if level is None else level, *noisy


def _labels(metrics: Metrics) -> Iterable[Sequence[Any]]:
    """Give a row for each number of labels, rising."""
    for entry, figures in metrics.representations.items():
        for count, name in label_counts(figures).items():
            bounds = metrics.intervals[entry][name]
            yield entry, count, figures[name], bounds["low"], bounds["high"]


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
