"""The comparison in a terminal: what a run ends with."""

import sys
from pathlib import Path

from aepipe.reporting.findings import findings
from aepipe.reporting.formats import DEVIATION, label, level, metric, significant
from aepipe.reporting.metrics import Metrics, read_metrics
from aepipe.reporting.terminal import open_console, print_rows

COLUMNS = {
    "squared_error": "squared error",
    "accuracy_linear": "linear probe",
    "head_finetuned": "fine-tuned head",
}
BESIDE, BELOW = "{} ({} to {})", "{}\n{}\N{EN DASH}{}"  # a value with its interval
NARROW = 110  # columns of a terminal; below it intervals stand under their values


def print_summary(reports: Path) -> None:
    """Print a table of all representations with intervals, the findings, and where the report is.

    Args:
        reports: folder with ``metrics.json`` and ``index.html``.

    Raises:
        ArtifactError: ``metrics.json`` is missing or damaged.
    """
    metrics = read_metrics(reports / "metrics.json")
    console = open_console()
    narrow = sys.stdout.isatty() and console.width < NARROW
    print_rows(console, _rows(metrics, BELOW if narrow else BESIDE))
    if metrics.trainings:
        print_rows(console, _over_trainings(metrics))
    for sentence in findings(metrics):
        console.print(sentence, markup=False)
    console.print(_note(metrics), markup=False, style="dim")
    console.print(f"report: {reports / 'index.html'}", markup=False)


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


def _over_trainings(metrics: Metrics) -> list[list[str]]:
    """Give the header and one row per network: mean and standard deviation over its trainings."""
    shown = [name for name in COLUMNS if any(name in held for held in metrics.trainings.values())]
    count = int(metrics.test["trainings"])
    rows = [[f"over {count} trainings", *(COLUMNS[name] for name in shown)]]
    for entry, held in metrics.trainings.items():
        cells = [
            f"{metric(name, held[name]['mean'])} \N{PLUS-MINUS SIGN} "
            f"{significant(held[name]['deviation'], DEVIATION)}"
            if name in held
            else ""
            for name in shown
        ]
        rows.append([label(entry), *cells])
    return rows


def _cell(metrics: Metrics, entry: str, name: str, form: str) -> str:
    if name not in metrics.representations[entry]:
        return ""
    interval = metrics.intervals[entry][name]
    low, high = metric(name, interval["low"]), metric(name, interval["high"])
    value = metric(name, metrics.representations[entry][name])
    return form.format(value, low, high)


def _note(metrics: Metrics) -> str:
    comparisons = int(metrics.test["comparisons"])
    return (
        f"Intervals at {level(metrics.test['confidence'])} confidence over "
        f"{int(metrics.test['samples'])} test samples; p-values Holm-corrected over "
        f"{comparisons} paired comparisons."
    )
