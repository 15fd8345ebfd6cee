"""The commands of a registry's keeper, each a function of plain values."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeVar

from aepipe.errors import RegistryError
from aepipe.monitor import Monitor
from aepipe.registry.addresses import find_version
from aepipe.registry.moves import CHAMPION, Move, aliases, promote, read_moves, roll_back, settle
from aepipe.registry.origins import where_lines, which_lines
from aepipe.registry.recorded import Recorded, read_recorded
from aepipe.registry.verify import verify_rebuilt, verify_restored
from aepipe.tracking.server import allow_transfers, connect, exclusive, reached

if TYPE_CHECKING:  # importing MLflow takes more than a second
    from mlflow import MlflowClient

Result = TypeVar("Result")


def roll_back_champion(name: str, why: str) -> str:
    """Make the former champion of model ``name`` the champion again; say so in a line.

    Raises:
        RegistryError: there is none, or the registry can't be reached.
    """
    client = connect()
    with reached(), exclusive():
        _require_model(client, name)
        return _told(name, roll_back(client, name, why))


def promote_version(name: str, version: str, why: str) -> str:
    """Make any version of model ``name`` the champion; say so in a line.

    Raises:
        RegistryError: there is no such version, or the registry can't be reached.
    """
    client = connect()
    with reached(), exclusive():
        found = find_version(client, f"models:/{name}/{version}")
        move = promote(client, name, str(found.version), why)
        return _told(name, move) if move else f"{name}: version {version} is the champion already"


def history_lines(name: str) -> list[str]:
    """Give a line for each move of the champion of model ``name``, the oldest first.

    Raises:
        RegistryError: there is no such model, or the registry can't be reached.
    """
    client = connect()
    with reached(), exclusive():
        _require_model(client, name)
        settle(client, name)
        moves = read_moves(client, name)
        present = aliases(client, name)
    lines = [_line(move) for move in moves] or [f"{name}: no version was ever champion"]
    there = ", ".join(
        f"@{alias} is version {version}" for alias, version in sorted(present.items())
    )
    return [*lines, there or f"{name}: no aliases"]


def where(address: str) -> list[str]:
    """Give the chain from a version to its data.

    Raises:
        RegistryError: there is no such version, or it says nothing of its origin.
    """
    return _with_recorded(address, where_lines)


def which(what: str, root: Path) -> list[str]:
    """List the versions that came from a stage, a path or a checksum.

    Raises:
        RegistryError: there is none.
    """
    client = connect()
    with reached():
        return which_lines(client, what, root)


def verify(address: str, root: Path, monitor: Monitor) -> None:
    """Hold a version against what DVC has of its making; see :func:`verify_restored`."""
    _with_recorded(address, lambda recorded: verify_restored(root, recorded, monitor))


def rebuild(address: str, root: Path, monitor: Monitor) -> None:
    """Train a version anew and compare; see :func:`verify_rebuilt`."""
    _with_recorded(address, lambda recorded: verify_rebuilt(root, recorded, monitor))


def _with_recorded(address: str, use: Callable[[Recorded], Result]) -> Result:
    client = connect()
    allow_transfers()
    with TemporaryDirectory() as place:
        with reached():
            recorded = read_recorded(client, address, Path(place))
        return use(recorded)


def _require_model(client: "MlflowClient", name: str) -> None:
    known = [each.name for each in client.search_registered_models()]
    if name not in known:
        raise RegistryError(
            f"{name}: no such registered model; there is "
            f"{', '.join(known) or 'none; `aepipe register` makes them'}"
        )


def _told(name: str, move: Move) -> str:
    former = f"version {move.origin}" if move.origin else "none"
    return f"{name}@{CHAMPION} is version {move.to} now, after {former}: {move.why}"


def _line(move: Move) -> str:
    change = f"{move.origin or 'none'} -> {move.to}"
    return f"{move.when[:19]}Z  {change:10}  {move.kind:9}  {move.who}  {move.why}"
