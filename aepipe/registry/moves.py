"""The aliases ``champion`` and ``previous``, and the record of every move of theirs.

MLflow sets one alias or tag at a time. A move is therefore announced first, then made, then put on
record; whoever touches the model next finishes, or forgets, what was only announced.
"""

import getpass
import json
import os
import re
import secrets
import socket
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, final

from aepipe.errors import RegistryError

if TYPE_CHECKING:  # importing MLflow takes more than a second
    from mlflow import MlflowClient

CHAMPION, PREVIOUS = "champion", "previous"
MOVE = "aepipe.move."  # and the time, so that the tags of a model sort as the moves happened
ANNOUNCED = "aepipe.announced"
CROWNED = "aepipe.champion_since"  # on a version that is or was champion: since it first was
WITHDRAWN = "aepipe.withdrawn"  # on a version that a rollback took it from
KEPT = 100  # moves; a person reads the last few
WHY_LENGTH = 1000  # with the rest it stays below the 5,000 characters of a tag
Kind = Literal["gate", "promotion", "rollback", "found"]


@final
@dataclass(frozen=True, slots=True)
class Move:
    """One move of the alias ``champion``.

    Attributes:
        when: UTC, ISO 8601.
        who: user and host.
        kind: a gate opened; a person promoted or rolled back; or it was found to have been moved
            by other means.
        origin: number of the version that was champion; None where there was none.
        to: number of the version that is champion since.
        previous: number of the version that carries ``previous`` since; None for none.
        why: in a sentence.
    """

    when: str
    who: str
    kind: Kind
    origin: str | None
    to: str
    previous: str | None
    why: str


def aliases(client: "MlflowClient", name: str) -> dict[str, str]:
    """Give the version number behind each alias of the model."""
    return {alias: str(v) for alias, v in client.get_registered_model(name).aliases.items()}


def read_moves(client: "MlflowClient", name: str) -> list[Move]:
    """Give the moves on record, the oldest first."""
    return [Move(**json.loads(text)) for _, text in _records(client, name)]


def move_champion(client: "MlflowClient", name: str, kind: Kind, to: str, why: str) -> Move:
    """Make version ``to``, which is not the champion, the champion.

    The one that was becomes ``previous``; after a rollback the one before ``to`` does.
    """
    present = aliases(client, name).get(CHAMPION)
    previous = _before(client, name, to) if kind == "rollback" else present
    move = Move(now(), who(), kind, present, to, previous, why[:WHY_LENGTH])
    client.set_registered_model_tag(name, ANNOUNCED, json.dumps(asdict(move)))
    client.set_registered_model_alias(name, CHAMPION, to)
    _complete(client, name, move)
    return move


def settle(client: "MlflowClient", name: str) -> None:
    """Finish a move that was cut short, and put on record what was moved by other means."""
    tags = client.get_registered_model(name).tags
    present = aliases(client, name).get(CHAMPION)
    if ANNOUNCED in tags:
        move = Move(**json.loads(tags[ANNOUNCED]))
        if present == move.to:
            _complete(client, name, move)
        else:  # the alias never moved; whether it still should is decided anew
            client.delete_registered_model_tag(name, ANNOUNCED)
    moves = read_moves(client, name)
    last = moves[-1].to if moves else None
    if present is not None and present != last:
        why = "moved by other means than aepipe; noticed now"
        previous = last if last in _numbers(client, name) else None
        found = Move(now(), who(), "found", last, present, previous, why)
        _complete(client, name, found)


def reigns(moves: Sequence[Move]) -> list[str]:
    """Give the champions that a rollback goes back through, the present one last."""
    line: list[str] = []
    for move in moves:
        if move.kind == "rollback":
            del line[-1:]
            if line[-1:] != [move.to]:
                line.append(move.to)
        elif line[-1:] != [move.to]:
            line.append(move.to)
    return line


def roll_back(client: "MlflowClient", name: str, why: str) -> Move:
    """Make ``previous`` the champion again, and keep gates from undoing that.

    Raises:
        RegistryError: there is no champion, or none before it.
    """
    settle(client, name)
    present = aliases(client, name)
    if CHAMPION not in present:
        raise RegistryError(f"{name}: there is no champion, so nothing to roll back")
    if PREVIOUS not in present:
        raise RegistryError(
            f"{name}: version {present[CHAMPION]} is champion and no former one is left to go back "
            f"to; `aepipe promote {name} VERSION` chooses any version"
        )
    text = f"{now()} by {who()}: {why}"
    client.set_model_version_tag(name, present[CHAMPION], WITHDRAWN, text[:WHY_LENGTH])
    return move_champion(client, name, "rollback", present[PREVIOUS], why)


def promote(client: "MlflowClient", name: str, version: str, why: str) -> Move | None:
    """Make ``version`` the champion, whatever its gate says; None where it is that already."""
    settle(client, name)
    if WITHDRAWN in client.get_model_version(name, version).tags:
        client.delete_model_version_tag(name, version, WITHDRAWN)
    if aliases(client, name).get(CHAMPION) == version:
        return None
    return move_champion(client, name, "promotion", version, why)


def now() -> str:
    """Give the time in UTC; all of one length, so that texts sort as times."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def who() -> str:
    """Name the user and the host."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may know its user by number alone
        user = f"user {os.getuid()}"
    return f"{user}@{socket.gethostname()}"


def _complete(client: "MlflowClient", name: str, move: Move) -> None:
    """Do what follows once the alias has moved; doing it twice changes nothing."""
    present = aliases(client, name).get(PREVIOUS)
    if move.previous is None and present is not None:
        client.delete_registered_model_alias(name, PREVIOUS)
    elif move.previous is not None and present != move.previous:
        client.set_registered_model_alias(name, PREVIOUS, move.previous)
    if CROWNED not in client.get_model_version(name, move.to).tags:
        client.set_model_version_tag(name, move.to, CROWNED, move.when)
    records = _records(client, name)
    if asdict(move) not in [json.loads(text) for _, text in records]:
        # two that move at the same time must not overwrite each other's record
        key = f"{MOVE}{re.sub(r'[^0-9]', '', move.when)}.{secrets.token_hex(4)}"
        client.set_registered_model_tag(name, key, json.dumps(asdict(move)))
    for key, _ in records[: -KEPT + 1]:
        client.delete_registered_model_tag(name, key)
    if ANNOUNCED in client.get_registered_model(name).tags:
        client.delete_registered_model_tag(name, ANNOUNCED)


def _before(client: "MlflowClient", name: str, version: str) -> str | None:
    """Give the champion before ``version`` was, of those that are still there."""
    line = reigns(read_moves(client, name))
    there = _numbers(client, name)
    earlier = line[: -1 - line[::-1].index(version)] if version in line else []
    return next((each for each in reversed(earlier) if each in there), None)


def _numbers(client: "MlflowClient", name: str) -> set[str]:
    return {str(each.version) for each in client.search_model_versions(f"name = '{name}'")}


def _records(client: "MlflowClient", name: str) -> list[tuple[str, str]]:
    tags = client.get_registered_model(name).tags.items()
    return sorted((key, text) for key, text in tags if key.startswith(MOVE))
