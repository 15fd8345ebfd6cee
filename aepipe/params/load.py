"""Reading ``params.yaml``: every mistake at once, each with its key path and a suggestion."""

from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from aepipe.errors import ParamsError
from aepipe.params.explain import problems
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
    """Put what pydantic found into sentences below a line that counts them."""
    found = problems(error, raw, kind)
    count = f"{len(found)} problem" + ("s" if len(found) > 1 else "")
    return "\n  ".join([f"{where}: {count}", *found])
