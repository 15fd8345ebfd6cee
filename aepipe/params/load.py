"""Reading ``params.yaml``: every mistake at once, each with its key path and a suggestion."""

from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from aepipe.errors import ParamsError
from aepipe.params.explain import problems
from aepipe.params.root import Params


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
        raise ParamsError(f"{path}: cannot be read as text ({error})") from None
    try:
        return YAML(typ="safe").load(text)
    except YAMLError as error:
        raise ParamsError(f"{path}: not valid YAML: {error}") from None


def validate(kind: Any, raw: Any, where: str) -> Any:
    """Check ``raw`` against any of the params' types, as :func:`load_params` does.

    Raises:
        ParamsError: with every problem.
    """
    try:
        return TypeAdapter(kind).validate_python(raw)
    except ValidationError as error:
        raise ParamsError(explain(error, raw, where, kind)) from None


def explain(error: ValidationError, raw: Any, where: str, kind: Any = Params) -> str:
    """Put what pydantic found into sentences below a line that counts them."""
    found = problems(error, raw, kind)
    count = f"{len(found)} problem" + ("s" if len(found) > 1 else "")
    return "\n  ".join([f"{where}: {count}", *found])
