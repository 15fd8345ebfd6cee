"""Sweeps: each setting as a line through its values to how well it did on validation."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from aepipe.data.contracts import checked, read_table
from aepipe.data.sweep_contracts import Members
from aepipe.reporting.style import INK, MUTED, RULE, SERIES, WIDTH, Axes, canvas, settings, svg

FIGURES = {"classification": "share of mistakes", "reconstruction": "error", "loss": "loss"}
SHOWN = 50  # settings in the table, the best; all are in the plot
TICKS = 5  # values beside an axis at most; of more, the ends and the middle
DECADES = 10.0  # from so large a ratio of its ends on an axis is logarithmic


@final
@dataclass(frozen=True, slots=True)
class Tried:
    """One setting, with the means over its seeds.

    Attributes:
        values: by key path.
        figures: on validation, by name; those of a setting that has diverged are missing.
        winner: whether it was chosen.
        epochs: until it stopped, the most of all seeds.
    """

    values: dict[str, Any]
    figures: dict[str, float]
    winner: bool
    epochs: int


@final
@dataclass(frozen=True, slots=True)
class SweepShown:
    """What the page shows of one sweep.

    Attributes:
        name: of the sweep.
        paths: of what was searched.
        judged: names of the figures that there are, what decided first.
        settings: those in the table, the best first.
        count: of all settings.
        seeds: with which each was trained.
        diverged: settings that have.
        plot: parallel coordinates, as SVG.
    """

    name: str
    paths: list[str]
    judged: list[str]
    settings: list[Tried]
    count: int
    seeds: int
    diverged: int
    plot: str


def show_sweep(name: str, folder: Path, chosen_by: str) -> SweepShown:
    """Read what stage sweep has written, and draw it.

    Args:
        name: of the sweep.
        folder: with ``members.parquet``.
        chosen_by: the figure that was to decide.

    Raises:
        AepipeError: it is missing, damaged or breaks the contract.
    """
    path = folder / "members.parquet"
    table = checked(Members, read_table(path), path)
    tried = [_tried(group) for _, group in table.groupby("setting")]
    if not any(chosen_by in each.figures for each in tried):
        chosen_by = "reconstruction"  # of data with nothing to classify
    ranked = sorted(tried, key=lambda each: (not each.winner, _rank(each, chosen_by)))
    others = [figure for figure in FIGURES if figure != chosen_by]
    judged = [f for f in (chosen_by, *others) if any(f in each.figures for each in tried)]
    return SweepShown(
        name=name,
        paths=list(tried[0].values),
        judged=judged,
        settings=ranked[:SHOWN],
        count=len(tried),
        seeds=int(table["seed"].nunique()),
        diverged=sum(not each.figures for each in tried),
        plot=parallel_coordinates(name, tried, chosen_by),
    )


def _tried(group: Any) -> Tried:
    """Give one setting, from its rows of the table."""
    means = group[list(FIGURES)].mean(skipna=False).to_dict()
    return Tried(
        values=json.loads(group["values"].iloc[0]),
        figures={name: value for name, value in means.items() if not math.isnan(value)},
        winner=bool(group["winner"].iloc[0]),
        epochs=int(group["epochs"].max()),
    )


def _rank(each: Tried, chosen_by: str) -> tuple[float, float]:
    figures = each.figures
    return figures.get(chosen_by, math.inf), figures.get("reconstruction", math.inf)


@final
class Scale:
    """An axis: where a value lies on it, from 0 to 1, and which values stand beside it.

    Numbers lie on a line, or on a logarithmic one where their ratio is large; anything else in the
    order in which it was declared.
    """

    def __init__(self, values: Sequence[Any]) -> None:
        self._known = list({repr(value): value for value in values}.values())
        self._numeric = all(isinstance(v, int | float) and v is not True for v in self._known)
        if not self._numeric:
            return
        self._known.sort()
        low, high = self._known[0], self._known[-1]
        self._log = low > 0 and high / low >= DECADES

    def place(self, value: Any) -> float:
        """Give the height of ``value``; one value alone is in the middle."""
        if len(self._known) == 1:
            return 0.5
        if not self._numeric:
            return self._known.index(value) / (len(self._known) - 1)
        low, here, high = (self._line(each) for each in (self._known[0], value, self._known[-1]))
        return (here - low) / (high - low)

    def ticks(self) -> list[tuple[float, str]]:
        """Give heights and texts."""
        shown = self._known
        if len(shown) > TICKS:
            shown = [shown[0], shown[len(shown) // 2], shown[-1]]
        return [(self.place(value), value_text(value)) for value in shown]

    def _line(self, value: float) -> float:
        return math.log(value) if self._log else float(value)


@settings()
def parallel_coordinates(name: str, tried: Sequence[Tried], chosen_by: str) -> str:
    """Draw a line for each setting through its values to what decided; the winner is bold.

    Inselberg (1985), "The plane with parallel coordinates". A setting that has diverged is a dotted
    line that ends before the last axis.
    """
    paths = list(tried[0].values)
    scales = [Scale([each.values[path] for each in tried]) for path in paths]
    last = Scale([e.figures[chosen_by] for e in tried if chosen_by in e.figures])
    figure, axes = canvas(WIDTH, 3.2)
    for each in sorted(tried, key=lambda one: one.winner):  # the winner last, on top
        heights = [s.place(each.values[path]) for s, path in zip(scales, paths, strict=True)]
        if chosen_by in each.figures:
            heights.append(last.place(each.figures[chosen_by]))
        _line(axes, heights, each)
    for place, scale in enumerate([*scales, last]):
        axes.axvline(place, color=RULE, linewidth=1, zorder=0)
        for height, text in scale.ticks():
            axes.annotate(
                text,
                (place, height),
                xytext=(3, 3),
                textcoords="offset points",
                fontsize=8,
                color=INK,
            )
    titles = [path.replace(".", "\n") for path in paths]
    axes.set_xticks(range(len(paths) + 1), [*titles, f"{chosen_by}\n{FIGURES[chosen_by]}"])
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.set_xlim(-0.1, len(paths) + 0.35)
    axes.set_ylim(-0.04, 1.1)
    axes.set_title(f"{chosen_by} on validation, lower is better", color=MUTED, fontweight="normal")
    return svg(figure, f"sweep-{name}".replace("_", "-"), _told(name, tried, chosen_by))


def _line(axes: Axes, heights: Sequence[float], each: Tried) -> None:
    colour, width = (SERIES[0], 2.6) if each.winner else (MUTED, 0.8)
    style = "-" if each.figures else ":"
    axes.plot(range(len(heights)), heights, color=colour, linewidth=width, linestyle=style)
    if each.winner:
        axes.plot(range(len(heights)), heights, color=colour, marker="o", linestyle="")


def _told(name: str, tried: Sequence[Tried], chosen_by: str) -> str:
    """Say in words what the plot shows."""
    won = next(each for each in tried if each.winner)
    found = [each.figures[chosen_by] for each in tried if chosen_by in each.figures]
    values = ", ".join(f"{path} {value_text(value)}" for path, value in won.values.items())
    return (
        f"Parallel coordinates of the {len(tried)} settings of sweep {name}: {chosen_by} on "
        f"validation goes from {value_text(min(found))} to {value_text(max(found))}; chosen was "
        f"{values}, with {value_text(won.figures[chosen_by])}. The table below has the figures."
    )


def value_text(value: Any) -> str:
    """Write a value as a person would: numbers to four digits."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value if isinstance(value, str) else json.dumps(value)
    return f"{value:.4g}"
