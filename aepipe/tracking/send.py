"""The sender's process: follow one journal to its end, then send what others have left.

Started by :class:`aepipe.tracking.journal.Sender` as ``python -m aepipe.tracking.send JOURNAL``.
"""

import json
import os
import select
import signal
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from aepipe.errors import RegistryError
from aepipe.files import lock
from aepipe.tracking.journal import PENDING
from aepipe.tracking.server import connect, probe, reached

if TYPE_CHECKING:  # importing MLflow takes more than a second
    from mlflow import MlflowClient

SECONDS = 1.0  # between two looks at the journal: as live as a curve needs to be


def main(path: Path) -> int:
    """Send the journal at ``path`` while it is being written; give 2 where MLflow is away."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the stage is told, and ends the journal
    try:
        client = connect()
        with reached():
            follow(client, path)
        for problem in send_pending(client):
            sys.stderr.write(problem + "\n")
    except RegistryError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def follow(client: "MlflowClient", path: Path) -> None:
    """Send lines as they come, until the last one or until the stage's process is gone."""
    from aepipe.tracking.delivery import Delivery

    delivery = Delivery(client)
    with path.open("rb") as journal:
        over = False
        while not over:
            over = _stage_is_done(SECONDS)
            delivery.take(read_lines(journal))
    if not delivery.ended:
        delivery.abandon()
    path.unlink()


def send_pending(client: "MlflowClient") -> list[str]:
    """Send every journal that nobody is at work on.

    Returns:
        What MLflow refused, one line for each journal; these stay.

    Raises:
        RegistryError: MLflow can't be reached any more.
    """
    from aepipe.tracking.delivery import Delivery

    problems: list[str] = []
    for path in sorted(PENDING.glob("*.jsonl")):
        with path.open("rb") as journal:
            if not lock(journal, path):
                continue
            try:
                with reached():
                    delivery = Delivery(client)
                    delivery.take(read_lines(journal))
                    if not delivery.ended:
                        delivery.abandon()
                path.unlink()
            except RegistryError as error:
                with reached():
                    probe(client)
                problems.append(f"{path} stays, since it was refused: {error}")
    return problems


def read_lines(journal: IO[bytes]) -> list[dict[str, Any]]:
    """Read the whole lines that have come since the last call; a torn one waits for its rest."""
    start = journal.tell()
    whole = journal.read().rpartition(b"\n")[0]
    journal.seek(start + len(whole) + bool(whole))
    return [json.loads(line) for line in whole.splitlines()]


def _stage_is_done(seconds: float) -> bool:
    """Wait for standard input to end, which the stage's process closes, or its death."""
    ready, _, _ = select.select([sys.stdin], [], [], seconds)
    return bool(ready) and os.read(sys.stdin.fileno(), 1) == b""


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
