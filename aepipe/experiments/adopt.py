"""Putting the winner of a sweep into ``params.yaml``."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from aepipe.errors import ParamsError
from aepipe.params.load import read_yaml, validate
from aepipe.params.root import Params
from aepipe.params.text import as_yaml


def adopt(params: Path, winner: Path, name: str) -> None:
    """Add the winner of sweep ``name`` to ``models:`` of ``params``, comments and all else kept.

    Args:
        params: the file, which is changed.
        winner: the overlay that stage sweep has written.
        name: of the sweep, and of the new entry.

    Raises:
        ParamsError: there is no winner, or an entry of that name; the whole would be wrong; or
            ``models:`` is written in a way that nothing can be added to. Nothing is changed then.
    """
    if not winner.is_file():
        raise ParamsError(f"{winner}: no such file; `dvc repro sweep@{name}` makes it")
    raw, overlay = read_yaml(params), read_yaml(winner)
    if name in raw.get("models", {}):
        raise ParamsError(
            f"{params}: models.{name} is there already; take it out, or give it another name"
        )
    entry = overlay["models"][name]
    wanted = {**raw, "models": {**raw["models"], name: entry}}
    text = _with_entry(params.read_text(encoding="utf-8"), name, entry)
    if YAML(typ="safe").load(text) != wanted:
        raise ParamsError(
            f"{params}: models is not written as a block of indented lines; add the entry of "
            f"{winner} by hand"
        )
    validate(Params, wanted, f"{params} with models.{name}")
    partial = params.with_name(f"{params.name}.partial")
    partial.write_text(text, encoding="utf-8", newline="\n")
    partial.replace(params)


def _with_entry(text: str, name: str, entry: Mapping[str, Any]) -> str:
    """Give the text with an entry more, first below the line ``models:``."""
    lines = as_yaml({name: entry}).splitlines(keepends=True)
    block = "".join(f"  {line}" for line in lines)
    empty = re.compile(r"^models:[ ]*\{[ ]*\}", re.M)
    text = empty.sub("models:", text, count=1)
    return re.sub(r"^models:.*\n", lambda found: found[0] + block, text, count=1, flags=re.M)
