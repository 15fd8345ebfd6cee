"""The comparison in a terminal: what a run ends with."""

import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from aepipe.reporting.findings import findings
from aepipe.reporting.formats import label, level, metric
from aepipe.reporting.metrics import Metrics, read_metrics

COLUMNS = {
    "squared_error": "squared error",
    "accuracy_linear": "linear probe",
    "head_finetuned": "fine-tuned head",
}
BESIDE, BELOW = "{} ({} to {})", "{}\n{}\N{EN DASH}{}"  # a value with its interval
NARROW = 110  # columns of a terminal; below it intervals stand under their values
WIDE = 200  # columns of a line in a file or pipe: nothing is folded or cut there


def print_summary(reports: Path) -> None:
    """Print a table of all representations with intervals, the findings, and where the report is.

    Args:
        reports: folder with ``metrics.json`` and ``index.html``.

    Raises:
        ArtifactError: ``metrics.json`` is missing or damaged.
    """
    metrics = read_metrics(reports / "metrics.json")
    terminal = sys.stdout.isatty()
    console = Console(highlight=False, soft_wrap=not terminal, width=None if terminal else WIDE)
    if terminal:
        console.print(_table(metrics, BELOW if console.width < NARROW else BESIDE))
    else:
        for line in _lines(_rows(metrics, BESIDE)):
            console.print(line, markup=False)
    for sentence in findings(metrics):
        console.print(sentence, markup=False)
    console.print(_note(metrics), markup=False, style="dim")
    console.print(f"report: {reports / 'index.html'}", markup=False)


def _table(metrics: Metrics, form: str) -> Table:
    header, *rows = _rows(metrics, form)
    table = Table()
    for number, name in enumerate(header):
        table.add_column(name, justify="right" if number else "left")
    for row in rows:
        table.add_row(*row)
    return table


def _rows(metrics: Metrics, form: str) -> list[list[str]]:
    """Give the header and one row per entry; columns that no entry fills are left out."""
    shown = [
        name
        for name in COLUMNS
        if any(name in figures for figures in metrics.representations.values())
    ]
    rows = [["representation", "code size", *(COLUMNS[name] for name in shown)]]
    for entry, figures in metrics.representations.items():
        cells = [_cell(metrics, entry, name, form) for name in shown]
        rows.append([label(entry), metric("code_size", figures["code_size"]), *cells])
    return rows


def _cell(metrics: Metrics, entry: str, name: str, form: str) -> str:
    if name not in metrics.representations[entry]:
        return ""
    interval = metrics.intervals[entry][name]
    low, high = metric(name, interval["low"]), metric(name, interval["high"])
    value = metric(name, metrics.representations[entry][name])
    return form.format(value, low, high)


def _lines(rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _note(metrics: Metrics) -> str:
    comparisons = int(metrics.test["comparisons"])
    return (
        f"Intervals at {level(metrics.test['confidence'])} confidence over "
        f"{int(metrics.test['samples'])} test samples; p-values Holm-corrected over "
        f"{comparisons} paired comparisons."
    )
