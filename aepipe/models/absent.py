"""A model that was not trained, since the data do not allow it: its folder says why.

The stages after it then go on without it, instead of the whole graph stopping there.
"""

from pathlib import Path

from aepipe.files import FORMAT, read_description, write_json

NAME = "absent.json"


def write_absence(folder: Path, reason: str) -> None:
    """Write that ``folder`` holds no model; ``reason`` is a sentence without its full stop."""
    write_json(folder / NAME, {"format": FORMAT, "reason": reason})


def absence(folder: Path) -> str | None:
    """Give why ``folder`` holds no model; None where it is to hold one."""
    path = folder / NAME
    return str(read_description(path)["reason"]) if path.is_file() else None
