"""Meeting one bad input through the command line, and what is wrong with how it is met."""

import contextlib
import io
import os
import resource
import signal
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from aepipe.__main__ import main
from tests.wall.place import Case, contents

SECONDS = 120  # for what takes a fraction of one, on a machine that may be busy
MEMORY = 2 * 2**30  # bytes more than there are before
ADVICE = ("expected", "; ", "did you mean", "usage:", "missing", "unknown", "make it again")


@dataclass(frozen=True)
class Meeting:
    """What the command line made of a case.

    Attributes:
        code: exit code; None where it raised.
        said: on standard error.
        wrong: what must not be, each in a line.
    """

    code: int | None
    said: str
    wrong: tuple[str, ...]


def meet(case: Case, folder: Path) -> Meeting:
    """Damage the folder, run the command in it, and see what came of it."""
    case.damage(folder)
    before = contents(folder)
    code, said = run(case, folder)
    after = contents(folder)
    wrong = []
    if code is None:
        wrong.append("a traceback")
    elif code != 2:
        wrong.append(f"exit code {code}")
    if not said.strip():
        wrong.append("silence")
    elif not any(word in said for word in ADVICE):
        wrong.append("no advice")
    if after != before:
        names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
        wrong.append(f"changed: {', '.join(sorted(names)[:5])}")
    return Meeting(code, said, tuple(wrong))


def run(case: Case, folder: Path) -> tuple[int | None, str]:
    """Run the command in this process, as ``python -m aepipe`` does, under limits."""
    said = io.StringIO()
    with (
        contextlib.chdir(folder),
        _environment(case),
        _limits(),
        contextlib.redirect_stderr(said),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        try:
            code: int | None = main(case.words)
        except SystemExit as stopped:  # argparse's
            code = stopped.code if isinstance(stopped.code, int) else 1
        except BaseException:  # noqa: BLE001 (whatever it is, it is what a user would see)
            traceback.print_exc(file=said)
            code = None
    return code, said.getvalue()


@contextmanager
def _environment(case: Case) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(case.environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _limits() -> Iterator[None]:
    """Make too much memory a MemoryError, and too much time an alarm."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY, hard))

    def late(number: int, frame: object) -> None:
        raise TimeoutError(f"still at work after {SECONDS} s")

    former = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, former)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
