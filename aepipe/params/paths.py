"""Values by key path: ``vae.code_size``, ``corruption.conditions.0.fraction``."""

from collections.abc import Mapping
from typing import Any


def put(raw: Any, key: str, value: Any) -> list[str]:
    """Set a value in place, or say why not; the last key may be new, those before it must be there.

    Args:
        raw: mappings and lists, as a YAML file gives them.
        key: names, and places in lists counted from 0, with dots between.
        value: of any kind.
    """
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
