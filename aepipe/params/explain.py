"""What pydantic found, in sentences: key path, value, what was expected, the nearest name."""

import difflib
import re
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from aepipe.params.base import NAME_PATTERN


def problems(error: ValidationError, raw: Any, kind: Any) -> list[str]:
    """Give each problem once, most of them starting with the key path.

    Args:
        error: of validating ``raw``.
        raw: what was read.
        kind: the type that it was to be.
    """
    found: list[dict[str, Any]] = [dict(each) for each in error.errors()]
    wrong_inside = {tuple(each["loc"][:end]) for each in found for end in range(len(each["loc"]))}
    # of a list whose items are wrong pydantic also says that it is too short without them
    telling = [e for e in found if e["type"] != "too_short" or tuple(e["loc"]) not in wrong_inside]
    lines = [line for each in telling for line in _sentences(each, raw, kind)]
    return list(dict.fromkeys(lines))


def _sentences(problem: dict[str, Any], raw: Any, kind: Any) -> list[str]:
    location = _without_tags(problem["loc"], raw)
    key = ".".join(map(str, location)) or ("the file" if raw is not None else "the empty file")
    match problem["type"]:
        case "extra_forbidden":
            return [f"{key}: unknown key{_suggestion(location, problem['loc'], kind)}"]
        case "missing":
            return [f"{key}: missing"]
        case "value_error":
            lines = str(problem["ctx"]["error"]).splitlines()
            if not location:
                return lines
            # a line that starts with a dot goes on with the key path
            return [f"{key}{line}" if line[0] == "." else f"{key}: {line}" for line in lines]
        case "union_tag_invalid":
            tag, expected = problem["ctx"]["tag"], problem["ctx"]["expected_tags"]
            return [f"{key}.kind = {tag!r}: unknown kind; expected one of {expected}"]
        case "union_tag_not_found":
            return [f"{key}: a mapping with `kind` is expected, one of the catalogue's"]
        case _:
            value = problem["input"]
            shown = f" = {value!r}" if not isinstance(value, Mapping | list | tuple) else ""
            return [f"{key}{shown}: {_expected(problem)}"]


def _expected(problem: dict[str, Any]) -> str:
    """Say what was expected, in this file's terms rather than in pydantic's."""
    if problem["type"] == "string_pattern_mismatch" and problem["ctx"]["pattern"] == NAME_PATTERN:
        return "expected a name of lower-case letters, digits and _, a letter first"
    if problem["type"] == "invalid_key":
        return "expected text as a key; put it in quotes, or mend it"
    if problem["type"] == "string_pattern_mismatch":
        return f"expected text of the form {problem['ctx']['pattern']}"
    words = re.sub(r"^Input should (?:be |have )", "expected ", problem["msg"])
    words = re.sub(r"a valid dictionary.*", "a mapping, lines of `key: value`", words)
    counted = r"^\w+ should have (at (?:least|most) \d+ \w+)(?: after validation)?, not (\d+)"
    return re.sub(counted, r"expected \1, not \2", words)


def _without_tags(location: tuple[Any, ...], raw: Any) -> list[Any]:
    """Drop the names of union members that pydantic puts among the keys."""
    kept: list[Any] = []
    for step in location:
        if isinstance(raw, Mapping) and step not in raw and raw.get("kind") == step:
            continue  # the tag of a union, not a key of the file
        if (isinstance(raw, list) and not isinstance(step, int)) or step == "[key]":
            continue
        kept.append(step)
        try:
            raw = raw[step]
        except (KeyError, IndexError, TypeError):
            raw = None
    return kept


def _suggestion(location: list[Any], declared: tuple[Any, ...], kind: Any) -> str:
    known = _known_keys(declared[:-1], TypeAdapter(kind).json_schema())
    near = difflib.get_close_matches(str(location[-1]), known, n=1)
    return f", did you mean {near[0]!r}?" if near else f"; known here: {', '.join(known)}"


def _known_keys(location: tuple[Any, ...], schema: dict[str, Any]) -> list[str]:
    """Names that the schema knows at ``location``."""
    node: dict[str, Any] = schema
    for step in location:
        node = _child(_resolve(node, schema), step, schema)
    return sorted(_resolve(node, schema).get("properties", {}))


def _child(node: dict[str, Any], step: Any, schema: dict[str, Any]) -> dict[str, Any]:
    mapping = node.get("discriminator", {}).get("mapping", {})
    if step in mapping:
        return {"$ref": mapping[step]}
    for option in node.get("anyOf", []):
        resolved = _resolve(option, schema)
        if resolved.get("title") == step or step in resolved.get("properties", {}):
            return resolved if resolved.get("title") == step else _child(resolved, step, schema)
    if step in node.get("properties", {}):
        return dict(node["properties"][step])
    by_pattern = next(iter(node.get("patternProperties", {}).values()), None)
    extra = by_pattern or node.get("additionalProperties") or node.get("items")
    return extra if isinstance(extra, dict) else {}


def _resolve(node: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Follow references, and take what may be left out for what it is where it is not."""
    while "$ref" in node:
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    declared = [option for option in node.get("anyOf", []) if option.get("type") != "null"]
    return _resolve(declared[0], schema) if len(declared) == 1 else node
