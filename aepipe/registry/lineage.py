"""What ``dvc.lock`` says of how something came about: the stages behind it, and their checksums."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from pydantic import BaseModel, ValidationError

from aepipe.errors import ParamsError
from aepipe.params.load import read_yaml

LOCK = Path("dvc.lock")
PARAMS = "params.yaml"
SETTLED = 0.5  # seconds without a change, after which nobody is writing any more
PATIENCE = 60.0  # seconds; a writer needs well under one, on a busy machine a few


@final
@dataclass(frozen=True, slots=True)
class Step:
    """One stage as the lock file has it.

    Attributes:
        stage: what DVC calls it.
        deps: checksums by path, of data and code.
        params: values by dotted key.
        outs: checksums by path.
    """

    stage: str
    deps: Mapping[str, str]
    params: Mapping[str, Any]
    outs: Mapping[str, str]


class Item(BaseModel):
    """A dep or an output of a stage."""

    path: str
    md5: str = ""


class Entry(BaseModel):
    """A stage of a lock file."""

    deps: list[Item] = []
    params: dict[str, dict[str, Any] | None] = {}
    outs: list[Item] = []


class Lock(BaseModel):
    """A lock file, as far as it is read."""

    stages: dict[str, Entry] = {}


def read_lock(path: Path) -> dict[str, Step]:
    """Read a lock file: its stages by name; none where there is no file.

    Raises:
        ParamsError: it is not YAML.
    """
    try:
        whole = Lock.model_validate(read_settled(path) if path.is_file() else {})
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(map(str, first["loc"])) or "the file"
        raise _foreign(path, f"{at}: {first['msg']}") from None
    return {
        name: Step(
            stage=name,
            deps={item.path: item.md5 for item in entry.deps},
            params=entry.params.get(PARAMS) or {},
            outs={item.path: item.md5 for item in entry.outs},
        )
        for name, entry in whole.stages.items()
    }


def read_settled(path: Path) -> dict[str, Any]:
    """Read a lock file once nobody is writing it.

    DVC empties the file and writes it anew, in pieces, whenever a stage is done; what runs beside
    that stage would read half of it.

    Raises:
        ParamsError: it is not YAML.
    """
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        changed = path.stat().st_mtime
        if abs(time.time() - changed) >= SETTLED:
            content = read_yaml(path)
            abandoned = abs(time.time() - changed) >= PATIENCE  # no writer left it empty just now
            if (content or abandoned) and path.stat().st_mtime == changed:
                return mapping(path, content)
        time.sleep(SETTLED / 10)
    return mapping(path, read_yaml(path))


def mapping(path: Path, content: Any) -> dict[str, Any]:
    """Take what a lock file holds for a mapping; one that is empty holds no stage.

    Raises:
        ParamsError: it is something else.
    """
    if not isinstance(content, dict | None):
        raise _foreign(path, f"holds a {type(content).__name__}")
    return dict(content or {})


def _foreign(path: Path, found: str) -> ParamsError:
    return ParamsError(
        f"{path}: {found}; expected what DVC writes; `git checkout {path.name}` brings it back, "
        "and `dvc repro` makes it again"
    )


def chain(lock: Mapping[str, Step], path: str) -> list[Step]:
    """Give the stages that ``path`` comes from, each behind those that it needs.

    Args:
        lock: stages by name.
        path: a stage's output, or what lies in one.
    """
    found: dict[str, Step] = {}

    def visit(wanted: str) -> None:
        for step in lock.values():
            if step.stage in found or not any(touches(out, wanted) for out in step.outs):
                continue
            for dep in step.deps:
                visit(dep)
            found[step.stage] = step

    visit(path)
    return list(found.values())


def touches(first: str, second: str) -> bool:
    """Say whether two paths are one, or one lies in the other."""
    return first == second or first.startswith(f"{second}/") or second.startswith(f"{first}/")


def first_difference(recorded: Sequence[Step], others: Mapping[str, Step]) -> Step | None:
    """Give the first recorded stage whose outputs have other checksums, or none, in ``others``."""
    for step in recorded:
        other = others.get(step.stage)
        if other is None or dict(other.outs) != dict(step.outs):
            return step
    return None


def chain_params(steps: Sequence[Step]) -> dict[str, Any]:
    """Give the parameters of all ``steps``, by dotted key."""
    return {key: value for step in steps for key, value in step.params.items()}
