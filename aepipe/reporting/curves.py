"""Plots over a range: noise that grows, labels that are known, epochs that go by."""

from collections.abc import Mapping, Sequence

from matplotlib.ticker import FixedLocator, FormatStrFormatter, MaxNLocator, NullLocator

from aepipe.reporting.metrics import Interval, Metrics, label_counts
from aepipe.reporting.style import (
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


@settings()
def robustness(metrics: Metrics, kind: str, levels: Sequence[float], figure_name: str) -> str:
    """Plot how a figure changes as the corruption of one kind grows; level 0 is clean.

    Args:
        metrics: of the comparison.
        kind: of corruption: ``masking``.
        levels: at which it was tried, ascending.
        figure_name: ``accuracy`` or ``squared_error``.
    """
    clean = "accuracy_linear" if figure_name == "accuracy" else "squared_error"
    names = {0.0: clean, **{lv: f"robust_{figure_name}_{kind}_{lv:g}" for lv in levels}}
    look = looks(list(metrics.representations))
    height = 3.0
    figure, axes = canvas(WIDTH, height)
    ends: dict[str, float] = {}
    for entry, figures in metrics.representations.items():
        there = {level: name for level, name in names.items() if name in figures}
        if len(there) > 1:
            values = {level: figures[name] for level, name in there.items()}
            bars = {level: metrics.intervals[entry][name] for level, name in there.items()}
            _line(axes, values, bars, look[entry])
            ends[entry] = list(values.values())[-1]
    axes.set_xlim(-0.02 * levels[-1], levels[-1] * 1.42)
    axes.xaxis.set_major_locator(FixedLocator([0, *levels]))
    axes.xaxis.set_major_formatter(FormatStrFormatter("%g"))
    if figure_name == "squared_error":
        axes.set_ylim(bottom=0)
    what = "accuracy" if figure_name == "accuracy" else "squared error"
    axes.set_title(f"{kind.replace('_', ' ')}: {what}")
    labels(axes, levels[-1] * 1.03, ends, look, height)
    return svg(
        figure,
        f"robust-{figure_name}-{kind}".replace("_", "-"),
        f"{what} of each representation as {kind.replace('_', ' ')} noise grows",
    )


@settings()
def label_efficiency(metrics: Metrics) -> str:
    """Plot the linear probe's accuracy as the number of labels grows, with bands."""
    look = looks(list(metrics.representations))
    height = 3.6
    figure, axes = canvas(WIDTH, height)
    ends: dict[str, float] = {}
    counts: set[int] = set()
    for entry, figures in metrics.representations.items():
        found = label_counts(figures)
        if found:
            counts |= {*found}
            bounds = [metrics.intervals[entry][name] for name in found.values()]
            low, high = ([bound[end] for bound in bounds] for end in ("low", "high"))
            axes.fill_between(list(found), low, high, color=look[entry].colour, alpha=0.1, lw=0)
            values = {float(count): figures[name] for count, name in found.items()}
            _line(axes, values, {}, look[entry])
            ends[entry] = list(values.values())[-1]
    axes.set_xscale("log")
    axes.set_xlim(min(counts) / 1.15, max(counts) * (max(counts) / min(counts)) ** 0.45)
    # numbers that nearly meet on the axis would be written over each other; the last one stays
    apart = [count for count in sorted(counts) if count == max(counts) or 1.8 * count < max(counts)]
    axes.xaxis.set_major_locator(FixedLocator(apart))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FormatStrFormatter("%d"))
    axes.set_xlabel("labels")
    axes.set_title("accuracy of the linear probe")
    labels(axes, max(counts) * 1.1, ends, look, height)
    return svg(figure, "label-efficiency", "Accuracy of the linear probe by the number of labels")


@settings()
def training(name: str, history: Sequence[Mapping[str, float]]) -> str:
    """Plot training and validation loss of one training, with the epoch that was kept.

    The axis starts where the first plunge is over: at the largest loss after a twentieth of it.
    """
    epochs = [row["epoch"] for row in history]
    train, valid = ([row[f"{split}_total"] for row in history] for split in ("train", "valid"))
    best = min(range(len(valid)), key=lambda place: valid[place])
    height = 1.9
    figure, axes = canvas(3.1, height)
    axes.plot(epochs, train, color=MUTED, linestyle=(0, (4, 1.5)), linewidth=1.2)
    axes.plot(epochs, valid, color=SERIES[0])
    axes.plot(epochs[best], valid[best], marker="o", color=SERIES[0])
    start = min(len(epochs) - 1, len(epochs) // 20)
    low, high = min(train + valid), max(train[start:] + valid[start:])
    margin = 0.06 * (high - low) or 1.0
    axes.set_ylim(low - margin, high + margin)
    axes.set_xlim(0, epochs[-1] * 1.36)
    ticks = MaxNLocator(4, integer=True).tick_values(0, epochs[-1])
    axes.set_xticks([tick for tick in ticks if 0 <= tick <= epochs[-1]])
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.set_title(name)
    axes.set_xlabel("epoch")
    ends = {"training": train[-1], "validation": valid[-1]}
    colours = {"training": Look(MUTED, "-", "o"), "validation": Look(SERIES[0], "-", "o")}
    labels(axes, epochs[-1] * 1.04, ends, colours, height)
    identifier = "training-" + "".join(c if c.isalnum() else "-" for c in name)
    return svg(figure, identifier, f"Loss by epoch of {name}; best after epoch {epochs[best]:g}")


def _line(
    axes: Axes, values: Mapping[float, float], bars: Mapping[float, Interval], look: Look
) -> None:
    for level, bar in bars.items():
        ends = [bar["low"], bar["high"]]
        axes.plot([level, level], ends, color=look.colour, linewidth=0.8, alpha=0.6)
    axes.plot(
        list(values),
        list(values.values()),
        color=look.colour,
        linestyle=look.dashes,
        marker=look.marker,
        markersize=3.5,
        linewidth=1.3,
    )
