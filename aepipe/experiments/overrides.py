"""Other values for single keys of ``params.yaml``, checked like the file itself."""

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from aepipe.errors import ParamsError
from aepipe.params.load import read_yaml, validate
from aepipe.params.paths import put
from aepipe.params.root import Params
from aepipe.params.text import as_yaml


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
    problems = [line for key, value in overrides.items() for line in put(raw, key, value)]
    if problems:
        raise ParamsError("\n  ".join([f"overrides: {len(problems)} wrong", *problems]))
    validate(Params, raw, "overrides")
    return as_yaml(raw)
