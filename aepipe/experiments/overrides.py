"""Other values for single keys of ``params.yaml``, checked like the file itself."""

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from aepipe.errors import ParamsError
from aepipe.experiments.files import as_yaml
from aepipe.params.load import read_yaml, validate
from aepipe.params.root import Params


def overridden(params: Path, overrides: Mapping[str, Any]) -> str:
    """Give the text of ``params.yaml`` with other values.

    Args:
        params: the file.
        overrides: from key paths (``vae.code_size``, ``corruption.conditions.0.fraction``) to
            values. The last key may be new; those before it must be there.

    Raises:
        ParamsError: a key leads nowhere, or the whole is wrong; with every problem.
    """
    raw = deepcopy(read_yaml(params))
    problems = [line for key, value in overrides.items() for line in _put(raw, key, value)]
    if problems:
        raise ParamsError("\n  ".join([f"overrides: {len(problems)} wrong", *problems]))
    validate(Params, raw, "overrides")
    return as_yaml(raw)


def _put(raw: Any, key: str, value: Any) -> list[str]:
    """Set a value in place, or say why not."""
    *path, last = key.split(".")
    node, at = raw, ""
    for step in path:
        inner = _get(node, step)
        if inner is None:
            there = f"there is {', '.join(map(str, node))}" if isinstance(node, Mapping) else ""
            return [f"{key}: no {step!r} in {at or 'the file'}; {there or 'it has no keys'}"]
        node, at = inner, f"{at}.{step}".strip(".")
    if isinstance(node, list) and last.isdigit() and int(last) < len(node):
        node[int(last)] = value
    elif isinstance(node, dict):
        node[last] = value
    else:
        return [f"{key}: {at} has no {last!r}"]
    return []


def _get(node: Any, step: str) -> Any:
    if isinstance(node, list):
        return node[int(step)] if step.isdigit() and int(step) < len(node) else None
    return node.get(step) if isinstance(node, Mapping) else None
