"""How plots look: colours that follow the page's theme, marks that need no colour to be told apart.

A plot is drawn in stand-in colours and written as SVG, in which these become variables of the
page's style sheet: one drawing serves light, dark and print.
"""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import matplotlib
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from aepipe.reporting.formats import is_pca, label

TEMPLATES = Path(__file__).parent / "templates"
STYLE_SHEET = TEMPLATES / "report.css"
Axes = Any  # matplotlib's signatures are too loose for strict typing
WIDTH = 4.3  # inches, about 410 CSS pixels
TEXT = 0.14  # inches from one line of text to the next
INK, MUTED, RULE, BETTER, WORSE, PAGE = (f"#0{n}0{n}0{n}" for n in range(1, 7))
SERIES = tuple(f"#0{n}0{n}a{n}" for n in range(1, 7))
VARIABLES = {
    INK: "currentColor",
    MUTED: "var(--muted)",
    RULE: "var(--rule)",
    BETTER: "var(--better)",
    WORSE: "var(--worse)",
    PAGE: "var(--page)",
    **{colour: f"var(--series-{n})" for n, colour in enumerate(SERIES, start=1)},
}
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
UNSAID = ("Date", "Creator", "Format", "Type")  # when, and by which version, are no result
MARKERS = "osD^vPXp*h"
SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",  # text stays text: it takes the page's font and can be searched
    "svg.hashsalt": "aepipe",  # without it identifiers are random
    "font.size": 9,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": RULE,
    "ytick.color": RULE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "legend.frameon": False,
    "lines.linewidth": 1.5,
    "lines.markersize": 5,
}


@final
@dataclass(frozen=True, slots=True)
class Look:
    """What one entry looks like in every plot."""

    colour: str
    dashes: Any
    marker: str


def looks(entries: Sequence[str]) -> dict[str, Look]:
    """Give each entry its look: baselines grey, models in colours of Okabe and Ito's palette.

    Colours repeat after six models, with other dashes; no two entries of ten share a marker.
    """
    result: dict[str, Look] = {}
    models = baselines = 0
    for place, entry in enumerate(entries):
        marker = MARKERS[place % len(MARKERS)]
        if entry == "raw" or is_pca(entry):
            result[entry] = Look(MUTED, DASHES[(baselines + 1) % len(DASHES)], marker)
            baselines += 1
        else:
            colour = SERIES[models % len(SERIES)]
            result[entry] = Look(colour, DASHES[models // len(SERIES) % len(DASHES)], marker)
            models += 1
    return result


@contextmanager
def settings() -> Iterator[None]:
    """Draw with the report's settings alone, whatever the user's own matplotlib settings say."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        parameters: Any = matplotlib.rcParams
        parameters.update(SETTINGS)
        yield


def canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """Open a plot of ``width`` x ``height`` inches, within :func:`settings`.

    No wider than a phone, or its text shrinks there.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasSVG(figure)
    return figure, figure.subplots()


def svg(figure: Figure, identifier: str, title: str) -> str:
    """Give the plot as an ``<svg>`` element for the page.

    Args:
        figure: from :func:`canvas`.
        identifier: unique on the page; what the drawing defines is named after it.
        title: what a person who does not see it is told.
    """
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata=dict.fromkeys(UNSAID))
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", text, flags=re.S)
    text = re.sub(r"font-family: [^;\"]*;? ?", "", text)  # the page's
    text = re.sub(r' id="[a-zA-Z.]+\d*_\d+"', "", text)  # layers, which nothing refers to
    text = re.sub(r'( id="|"#|url\(#)', rf"\g<1>{identifier}-", text)
    for stand_in, variable in VARIABLES.items():
        text = text.replace(stand_in, variable)
    text = re.sub(r"\s*\n\s*", " ", text).replace("> <", "><").replace("xlink:href", "href")
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text)
    width = round(float(box.group(1)) * 1.6) if box else 0  # CSS pixels, of which a point is 1.33
    head = (
        f'<svg viewBox="{box.group(0)[9:-1] if box else ""}" role="img" '
        f'aria-label="{_escaped(title)}" style="max-width:{width}px">'
    )
    return head + text[text.index(">") + 1 :].strip()


def standalone(drawing: str) -> str:
    """Give an ``<svg>`` element of the page as a picture of its own, on white.

    Where a picture is only shown, no style sheet of ours applies, so the light colours go along.
    """
    colours = re.search(r":root {(.*?)}", STYLE_SHEET.read_text(encoding="utf-8"), re.S)
    style = f"svg {{{colours.group(1) if colours else ''}}}"
    style += "svg { color: var(--ink); background: var(--page); font-family: sans-serif; }"
    head, rest = drawing.split(">", 1)
    head = head.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    return f"{head}><style>{style}</style>{rest}"


def labels(
    axes: Axes, x: float, ends: Mapping[str, float], look: Mapping[str, Look], height: float
) -> None:
    """Write each name beside where its line ends, moved apart so that none covers another.

    Args:
        axes: with their limits set.
        x: where the names start.
        ends: vertical position by name.
        look: by name.
        height: of the plot, inches.
    """
    low, high = axes.get_ylim()
    gap = TEXT * (high - low) / (height - 0.7)  # the axis takes about 0.7 inches of the height
    positions = spread(list(ends.values()), gap, low, high)
    for name, position in zip(ends, positions, strict=True):
        axes.text(x, position, label(name), color=look[name].colour, fontsize=8, va="center")


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move labels apart: the positions nearest to ``wanted`` that are ``gap`` apart.

    Labels keep their order, and a crowd of them stays centred on what it labels: the least squares
    solution, by pooling neighbours that are too close (isotonic regression, Barlow et al. 1972).

    Args:
        wanted: positions, in any order.
        gap: between two labels; less where they would not fit.
        low: smallest position.
        high: largest position.
    """
    gap = min(gap, (high - low) / max(1, len(wanted) - 1))
    order = sorted(range(len(wanted)), key=lambda place: wanted[place])
    pools: list[tuple[float, int]] = []  # mean and size, of positions less the gaps below them
    for rank, place in enumerate(order):
        pool = (wanted[place] - rank * gap, 1)
        while pools and pools[-1][0] > pool[0]:
            mean, size = pools.pop()
            total = size + pool[1]
            pool = ((mean * size + pool[0] * pool[1]) / total, total)
        pools.append(pool)
    means = [mean for mean, size in pools for _ in range(size)]
    ceiling = high - (len(wanted) - 1) * gap
    result = [0.0] * len(wanted)
    for rank, (place, mean) in enumerate(zip(order, means, strict=True)):
        result[place] = min(max(mean, low), ceiling) + rank * gap
    return result


def _escaped(text: str) -> str:
    replaced = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return replaced.replace('"', "&quot;")
