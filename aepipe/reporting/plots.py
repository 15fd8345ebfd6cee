"""The plots of the report, each no wider than a phone so that its text stays readable there."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import FixedLocator, FormatStrFormatter, NullLocator
from numpy.typing import NDArray

from aepipe.reporting.formats import is_pca, label, probe
from aepipe.reporting.metrics import Metrics
from aepipe.reporting.style import (
    INK,
    MUTED,
    SERIES,
    WIDTH,
    Axes,
    Look,
    canvas,
    labels,
    looks,
    settings,
    svg,
)

HOLLOW = "sD^vPX"  # markers of the probes beside the linear one
MARK: dict[bool, dict[str, Any]] = {  # of the linear probe, and of a trained head
    True: {"marker": "o", "markersize": 6},
    False: {"marker": "*", "markersize": 9},
}


@settings()
def tradeoff(metrics: Metrics) -> str:
    """Plot squared error against code size; PCA is the line to be below."""
    shown = {
        entry: figures
        for entry, figures in metrics.representations.items()
        if "squared_error" in figures
    }
    look = looks(list(metrics.representations))
    height = 3.2
    figure, axes = canvas(WIDTH, height)
    baseline = sorted((f["code_size"], f["squared_error"]) for e, f in shown.items() if is_pca(e))
    if baseline:
        axes.plot(*zip(*baseline, strict=True), color=MUTED, linestyle=(0, (5, 1.5)), linewidth=1)
    for entry, figures in shown.items():
        at = (figures["code_size"], figures["squared_error"])
        _point(axes, at, metrics.intervals[entry]["squared_error"], look[entry])
    sizes = sorted({int(figures["code_size"]) for figures in shown.values()})
    axes.set_xscale("log", base=2)
    axes.set_xlim(sizes[0] / 1.25, sizes[-1] * 3.2)  # room for the labels on the right
    axes.xaxis.set_major_locator(FixedLocator(sizes))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FormatStrFormatter("%d"))
    axes.set_ylim(bottom=0)
    axes.set_xlabel("code size")
    axes.set_title("squared error per sample, lower is better", color=MUTED, fontweight="normal")
    for size in sizes:
        here = {e: f["squared_error"] for e, f in shown.items() if f["code_size"] == size}
        labels(axes, float(size) * 1.09, here, look, height)
    return svg(figure, "tradeoff", "Squared error against code size for every representation")


@settings()
def accuracies(metrics: Metrics) -> str:
    """Plot the accuracy of every probe on every entry, and of the heads.

    The linear probe and the heads have their intervals; the other probes are hollow.
    """
    rows = _rows(metrics)
    look = looks(list(metrics.representations))
    others = _probes(metrics)
    figure, axes = canvas(WIDTH, 1.1 + 0.24 * len(rows))
    for place, (_, entry, name) in enumerate(rows):
        figures, colour = metrics.representations[entry], look[entry].colour
        interval = metrics.intervals[entry][name]
        if name == "accuracy_linear":
            for marker, other in zip(HOLLOW, others, strict=False):
                at = figures.get(f"accuracy_{other}", np.nan)
                axes.plot(at, place, marker=marker, color=MUTED, mfc="none", markersize=4)
        axes.plot([interval["low"], interval["high"]], [place, place], color=colour, linewidth=2.4)
        axes.plot(figures[name], place, **MARK[name == "accuracy_linear"], color=colour)
    axes.set_yticks(range(len(rows)), [row[0] for row in rows], color=INK)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("accuracy on the test split")
    axes.plot([], [], linestyle="", **MARK[True], color=INK, label="linear probe")
    axes.plot([], [], linestyle="", **MARK[False], color=INK, label="trained head")
    for marker, other in zip(HOLLOW, others, strict=False):
        hollow = {"marker": marker, "color": MUTED, "markerfacecolor": "none"}
        axes.plot([], [], linestyle="", **hollow, label=probe(other))
    figure.legend(loc="outside upper left", ncols=3, fontsize=8, labelcolor=MUTED)
    return svg(figure, "accuracies", "Accuracy of each probe on each representation")


@settings()
def explained_variance(variances: NDArray[np.float64], code_sizes: Sequence[int]) -> str:
    """Plot the share of variance that so many components keep, with the baselines' code sizes."""
    share = np.concatenate([[0.0], np.cumsum(variances) / max(float(variances.sum()), 1e-12)])
    figure, axes = canvas(WIDTH, 2.6)
    axes.plot(range(len(share)), share, color=SERIES[0])
    for size in code_sizes:
        axes.plot(size, share[size], marker="o", color=SERIES[0])
        right = size < 0.75 * len(share)
        axes.annotate(
            f"{size}: {share[size]:.3f}",
            (size, share[size]),
            xytext=(6 if right else -2, -11),
            textcoords="offset points",
            ha="left" if right else "right",
            fontsize=8,
        )
    axes.set_ylim(0, 1.03)
    axes.set_xlabel("components")
    axes.set_title("share of the training split's variance", color=MUTED, fontweight="normal")
    return svg(figure, "variance", "Share of variance that PCA keeps, by number of components")


def _rows(metrics: Metrics) -> list[tuple[str, str, str]]:
    """Give label, entry and metric of each row, the best last, which is on top."""
    rows = [
        (label(entry), entry, name)
        if name == "accuracy_linear"
        else (f"{label(entry)}: {probe(name.removeprefix('head_'))}", entry, name)
        for entry, figures in metrics.representations.items()
        for name in figures
        if name == "accuracy_linear" or name.startswith("head_")
    ]
    return sorted(rows, key=lambda row: metrics.representations[row[1]][row[2]])


def _probes(metrics: Metrics) -> list[str]:
    names = [name for figures in metrics.representations.values() for name in figures]
    probes = [n.removeprefix("accuracy_") for n in names if n.startswith("accuracy_")]
    return [name for name in dict.fromkeys(probes) if name != "linear"]


def _point(axes: Axes, at: tuple[float, float], interval: Mapping[str, float], look: Look) -> None:
    axes.plot([at[0], at[0]], [interval["low"], interval["high"]], color=look.colour, linewidth=1.2)
    axes.plot(*at, marker=look.marker, color=look.colour, markersize=5.5)
