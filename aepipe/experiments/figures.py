"""What an experiment came to, read from the evaluations in its workspace."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aepipe.files import read_json

LEFT_OUT = ("robustness", "chosen")  # long, and in the report


def figure_lines(workspace: Path) -> list[str]:
    """Give one line for each figure of each evaluation, aligned."""
    rows = [
        (path.stem, key, text)
        for path in sorted((workspace / "reports" / "evaluation").glob("*.json"))
        for key, text in _figures(read_json(path))
    ]
    first, second = (max((len(row[i]) for row in rows), default=0) for i in (0, 1))
    return [f"{name:{first}}  {key:{second}}  {text}" for name, key, text in rows]


def _figures(node: Any, at: str = "") -> Iterator[tuple[str, str]]:
    if not isinstance(node, Mapping):
        if isinstance(node, int | float) and not isinstance(node, bool):
            yield at, f"{node:.6g}"
        return
    if {"value", "low", "high"} <= set(node):
        yield at, f"{node['value']:.6g} ({node['low']:.6g} to {node['high']:.6g})"
        return
    for key, inner in node.items():
        if key not in LEFT_OUT:
            yield from _figures(inner, f"{at}.{key}" if at else key)
