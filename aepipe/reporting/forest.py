"""The answer as a picture: how far each representation lies from PCA of its size."""

from collections.abc import Mapping
from typing import Any

from matplotlib.ticker import FuncFormatter, MaxNLocator

from aepipe.reporting.formats import MINUS, is_better, label
from aepipe.reporting.metrics import Metrics
from aepipe.reporting.style import BETTER, INK, MUTED, PAGE, WIDTH, WORSE, canvas, settings, svg

SHOWN = {
    "squared_error": "squared error in % of PCA's",
    "linear": "linear probe in points",
}


def against_pca(metrics: Metrics) -> list[str]:
    """Give a plot for reconstruction and one for the linear probe: those that there are."""
    return [
        differences(metrics, name)
        for name in SHOWN
        if any(f"{name}_difference" in held for held in metrics.against_pca.values())
    ]


@settings()
def differences(metrics: Metrics, name: str) -> str:
    """Plot each entry's difference from its PCA with its interval, the best on top.

    A full mark is a difference that stays significant after the correction for all comparisons, a
    hollow one is not. Errors are shown as a share of PCA's, accuracies in points.
    """
    shown = {e: h for e, h in metrics.against_pca.items() if f"{name}_difference" in h}
    scale = {entry: 100 * _unit(metrics, held, name) for entry, held in shown.items()}
    falls = is_better(name, -1.0)
    order = sorted(shown, key=lambda e: shown[e][f"{name}_difference"] * scale[e], reverse=falls)
    figure, axes = canvas(WIDTH, 0.62 + 0.17 * len(order))
    axes.axvline(0, color=MUTED, linewidth=1, linestyle=(0, (4, 2)))
    for row, entry in enumerate(order):
        held = shown[entry]
        value, low, high = (
            held[f"{name}_{part}"] * scale[entry] for part in ("difference", "low", "high")
        )
        sure = held[f"{name}_p_holm"] < 1 - metrics.test["confidence"]
        colour = (BETTER if is_better(name, value) else WORSE) if sure else INK
        axes.plot([low, high], [row, row], color=colour, linewidth=2)
        face = {"markerfacecolor": colour if sure else PAGE}
        axes.plot(value, row, marker="o", color=colour, markersize=5, **face)
    axes.set_yticks(range(len(order)), [_row(entry, shown) for entry in order], color=INK)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda at, _: _signed(at)))
    better = "lower" if falls else "higher"
    axes.set_title(f"{SHOWN[name]}, {better} is better", color=MUTED, fontweight="normal")
    told = f"{SHOWN[name]} of each representation less that of PCA of its size, {better} is better"
    return svg(figure, f"against-pca-{name}".replace("_", "-"), told)


def _unit(metrics: Metrics, held: Mapping[str, Any], name: str) -> float:
    """Give what a difference of 1 is as a share: of PCA's error, or of all samples."""
    if name != "squared_error":
        return 1.0
    baseline: float = metrics.representations[held["pca"]]["squared_error"]
    return 1 / baseline if baseline > 0 else 0.0


def _row(entry: str, shown: Mapping[str, Mapping[str, Any]]) -> str:
    return f"{label(entry)} ({label(shown[entry]['pca'])})"


def _signed(value: float) -> str:
    sign = MINUS if value < 0 else "+" if value > 0 else ""
    return f"{sign}{abs(value):g}"
