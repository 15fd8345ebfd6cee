"""Tables in a terminal, and as plain lines where the output goes to a file or a pipe."""

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

WIDE = 200  # columns of a line in a file or pipe: nothing is folded or cut there
Rows = Sequence[Sequence[str]]


def open_console() -> Console:
    """Give a console that folds lines only where a person reads them as they come."""
    terminal = sys.stdout.isatty()
    return Console(highlight=False, soft_wrap=not terminal, width=None if terminal else WIDE)


def print_rows(console: Console, rows: Rows) -> None:
    """Print a header and rows; every column but the first is set to the right."""
    if not sys.stdout.isatty():
        for line in aligned(rows):
            console.print(line, markup=False)
        return
    header, *body = rows
    table = Table()
    for number, name in enumerate(header):
        table.add_column(name, justify="right" if number else "left")
    for row in body:
        table.add_row(*row)
    console.print(table)


def aligned(rows: Rows) -> list[str]:
    """Give each row as a line, its columns under each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
