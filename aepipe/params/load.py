"""Reading ``params.yaml``: every mistake at once, each with its key path and a suggestion."""

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from aepipe.errors import ParamsError
from aepipe.params.base import NAME_PATTERN
from aepipe.params.root import Params

# What ruamel says of mistakes that people make, and what they have to do.
YAML_ADVICE = {
    "cannot start any token": "YAML indents by spaces; replace tabs, and quote text that starts so",
    "found duplicate key": "each key may stand once; remove one of the two",
    "could not determine a constructor": "tags are not taken; leave out what starts with !",
    "found undefined alias": "no anchor (&) of that name stands before it; mend the name",
    "unacceptable character": "save the file again as plain text",
    "another document": "one file holds one declaration; remove what follows ---",
}


def load_params(path: Path) -> Params:
    """Read and check ``params.yaml``, with the YAML parser that DVC uses.

    Raises:
        ParamsError: every problem in the file at once, one per line.
    """
    raw = read_yaml(path)
    try:
        return Params.model_validate(raw)
    except ValidationError as error:
        raise ParamsError(explain(error, raw, str(path))) from None


def read_yaml(path: Path) -> Any:
    """Read a YAML file into plain Python values.

    Raises:
        ParamsError: it is missing or not YAML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ParamsError(
            f"{path}: no such file; run from the repository's top folder or pass --params"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ParamsError(
            f"{path}: cannot be read as text ({error}); expected a YAML file in UTF-8"
        ) from None
    try:
        return YAML(typ="safe").load(text)
    except YAMLError as error:
        raise ParamsError(f"{path}: not valid YAML: {_place(error)}") from None
    except (ValueError, OverflowError, RecursionError) as error:
        # a number of thousands of digits, a date that there is not, brackets nested without end
        raise ParamsError(
            f"{path}: holds a value that cannot be read ({error}); expected plain numbers and text"
        ) from None


def validate(kind: Any, raw: Any, where: str) -> Any:
    """Check ``raw`` against any of the params' types, as :func:`load_params` does.

    Raises:
        ParamsError: with every problem.
    """
    try:
        return TypeAdapter(kind).validate_python(raw)
    except ValidationError as error:
        raise ParamsError(explain(error, raw, where, kind)) from None


def _place(error: YAMLError) -> str:
    """Say in one line where a file stops being YAML, and what to do about the usual reasons."""
    mark = getattr(error, "problem_mark", None)
    line = "" if mark is None else f"line {mark.line + 1}, column {mark.column + 1}: "
    what = getattr(error, "problem", None) or str(error).splitlines()[0]
    for said, advice in YAML_ADVICE.items():
        if said in what:
            return f"{line}{what}; {advice}"
    return f"{line}{what}; mend it there, or in the line before"


def explain(error: ValidationError, raw: Any, where: str, kind: Any = Params) -> str:
    """Put what pydantic found into sentences: key path, value, what was expected, nearest name."""
    found: list[dict[str, Any]] = [dict(each) for each in error.errors()]
    wrong_inside = {tuple(each["loc"][:end]) for each in found for end in range(len(each["loc"]))}
    # of a list whose items are wrong pydantic also says that it is too short without them
    telling = [e for e in found if e["type"] != "too_short" or tuple(e["loc"]) not in wrong_inside]
    problems = [line for each in telling for line in _sentences(each, raw, kind)]
    unique = list(dict.fromkeys(problems))
    count = f"{len(unique)} problem" + ("s" if len(unique) > 1 else "")
    return "\n  ".join([f"{where}: {count}", *unique])


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
