"""What people see of a run's figures in Prefect's pages: a table, and findings with a plot."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from aepipe.reporting.findings import findings
from aepipe.reporting.formats import difference, is_better, label
from aepipe.reporting.metrics import Metrics
from aepipe.reporting.plots import tradeoff
from aepipe.reporting.style import standalone
from aepipe.reporting.summary import COLUMNS

DIGITS = 6  # of a metric: more than any difference that means something

Row = dict[str, Any]
Values = Mapping[tuple[str, str], float]  # by representation and metric


def table(now: Metrics, before: Values) -> list[Row]:
    """Make a table of the comparison's main figures beside those of the last run.

    Args:
        now: of this run.
        before: of the last one, as :func:`values` gives them; empty where there was none.
    """
    rows: list[Row] = []
    for name, title in COLUMNS.items():
        for entry, figures in now.representations.items():
            if name not in figures:
                continue
            value = _rounded(figures[name])
            last = before.get((label(entry), title))
            rows.append(
                {
                    "representation": label(entry),
                    "metric": title,
                    "now": value,
                    "last run": "" if last is None else last,
                    "change": _change(name, value, last),
                }
            )
    return rows


def values(rows: Sequence[Row]) -> Values:
    """Read a table of :func:`table` back; rows that are none of its own are left out."""
    return {
        (str(row["representation"]), str(row["metric"])): float(row["now"])
        for row in rows
        if {"representation", "metric", "now"} <= row.keys()
    }


def account(now: Metrics) -> str:
    """Write what the comparison found, above its plot, as Markdown that needs no other file."""
    text = "\n\n".join(findings(now))
    if not any("squared_error" in figures for figures in now.representations.values()):
        return text  # nothing reconstructs
    drawn = base64.b64encode(standalone(tradeoff(now)).encode()).decode()
    told = "Squared error against code size for every representation"
    return f"{text}\n\n![{told}](data:image/svg+xml;base64,{drawn})"


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _change(name: str, value: float, last: float | None) -> str:
    if last is None:
        return "new"
    change = value - last
    if not change:
        return "none"
    return f"{difference(name, change)}, {'better' if is_better(name, change) else 'worse'}"
