"""Running a group of stages in a process that ends with the flow; what became of each."""

import os
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import final

from aepipe.errors import AepipeError
from flows.order import MARK, Note, Order
from flows.outcome import Did, Outcome
from flows.tether import start

LAST_LINES = 15  # of a failed stage, shown again at the end: an error message with its context
TREE = Path(__file__).resolve().parents[1]  # where this code lies; the stages' may lie elsewhere

# What DVC says about a stage, and what that means.
SIGNS: dict[str, Did] = {
    "Running stage ": "ran",
    "is cached - skipping run": "from cache",
    "didn't change, skipping": "unchanged",
}

# Advice of DVC to a person at a prompt, which would come once for every stage.
ADVICE = ("To track the changes with git", "\tgit add ", "To enable auto staging", "\tdvc config ")
ENTRY = """\
import sys
sys.path.insert(0, sys.argv[1])
from flows.group import main
sys.exit(main(sys.argv[2]))
"""


def carry_out(
    order: Order,
    line: int,
    folder: Path,
    environment: Mapping[str, str],
    say: Callable[[str], None],
) -> dict[str, Outcome]:
    """Follow ``order`` in ``folder``.

    Args:
        order: what to do.
        line: lifeline of the flow, with which the stages end.
        folder: that of ``dvc.yaml``.
        environment: of the stages.
        say: gets each line that DVC or a stage prints.

    Returns:
        What became of each stage of the order that came to a start; of the others nothing is said.
        Where the transport of data failed, what was done has failed with it.

    Raises:
        AepipeError: the order was to run nothing, and the cache or the remote refused.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        file.write(order.model_dump_json())
        file.flush()
        # -P: not the modules of the folder, which may be those of another revision
        command = [sys.executable, "-P", "-c", ENTRY, str(TREE), file.name]
        reader = Reader(say)
        with start(command, line, folder, environment) as process:
            for text in process.stdout or ():
                reader.read(text.rstrip())
        return reader.close(process.returncode, order)


def environment() -> dict[str, str]:
    """Give the stages this Python under the name ``python``, and their lines as they come."""
    bin_folder = str(Path(sys.executable).parent)
    path = os.pathsep.join([bin_folder, os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"}


@final
class Reader:
    """Makes outcomes of the lines of a group."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._outcomes: dict[str, Outcome] = {}
        self._stage: str | None = None
        self._began = time.monotonic()
        self._did: Did = "unchanged"
        self._last: deque[str] = deque(maxlen=LAST_LINES)

    def read(self, line: str) -> None:
        """Take one line."""
        if line.startswith(MARK):
            self._take(Note.model_validate_json(line.removeprefix(MARK)))
        elif line and not line.startswith(ADVICE):
            self._say(line)
            self._last.append(line)
            self._did = next((did for sign, did in SIGNS.items() if sign in line), self._did)

    def close(self, code: int, order: Order) -> dict[str, Outcome]:
        """Give what became of the stages, now that the process has ended with ``code``."""
        if code == 0:
            return self._outcomes
        lines = tuple(self._last) or (f"the process of the stages ended with exit code {code}",)
        if not order.run:
            raise AepipeError("\n".join(lines))
        # killed in the middle of a stage, or the transport failed: before the first, or at the end
        lost = {self._stage or order.stages[0]} - set(self._outcomes)
        if order.remote:
            lost |= {stage for stage, outcome in self._outcomes.items() if outcome.succeeded}
        failed = {stage: Outcome(stage=stage, did="failed", last_lines=lines) for stage in lost}
        return self._outcomes | failed

    def _take(self, note: Note) -> None:
        if note.did is None and note.code is None:
            self._stage, self._did, self._began = note.stage, "unchanged", time.monotonic()
            self._last.clear()
            return
        failed = bool(note.code)
        self._outcomes[note.stage] = Outcome(
            stage=note.stage,
            did="failed" if failed else note.did or self._did,
            seconds=round(time.monotonic() - self._began, 3),
            last_lines=tuple(self._last) if failed else (),
        )
