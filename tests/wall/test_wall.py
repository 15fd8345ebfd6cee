"""Bad inputs through the real command line: no traceback, hang, flood, changed output or silence.

``pytest -m slow tests/wall`` meets all of them; by default every twentieth.
``AEPIPE_MESSAGES=FILE`` keeps what was said, to be read.
"""

import os
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.wall import artifact_cases, params_cases, source_cases
from tests.wall.meet import MEMORY, meet
from tests.wall.place import ROOT, contents, copy_place, make_place

CASES = [*params_cases.cases(), *source_cases.cases(), *artifact_cases.cases()]
SHARE = 20  # of the cases one in so many by default
APART = 6  # of the cases that run in a process of their own
IN_ORDER = r".* \.\.\. ok\n|note: .*\n|.*: not made yet\n"  # what `aepipe check` may say first


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return make_place(tmp_path_factory.mktemp("place"))


@pytest.fixture
def folder(place, tmp_path, empty_database):
    """A copy of the folder where all is in order, with a database that has no runs."""
    copied = copy_place(place, tmp_path / "copy")
    (copied / "mlruns").mkdir()
    shutil.copy(empty_database, copied / "mlruns")
    return copied


def test_the_corpus_is_large_and_no_case_stands_twice():
    titles = [case.title for case in CASES]
    assert len(titles) == len(set(titles)) > 500


def everything():
    """Mark those that are not part of a default run."""
    for number, case in enumerate(CASES):
        marks = [pytest.mark.slow] if number % SHARE else []
        yield pytest.param(case, marks=marks, id=case.title)


@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")  # MLflow's own
@pytest.mark.parametrize("case", [*everything()])
def test_it_is_refused_in_words_and_nothing_changes(case, folder):
    met = meet(case, folder)
    if path := os.environ.get("AEPIPE_MESSAGES"):
        with Path(path).open("a") as file:
            file.write(f"## {case.title}\n{met.said.strip()}\n")
    assert met.wrong == (), met.said


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES[:: len(CASES) // APART], ids=lambda case: case.title)
def test_so_it_is_in_a_process_of_its_own(case, folder):
    case.damage(folder)
    before = contents(folder)
    done = subprocess.run(
        [sys.executable, "-m", "aepipe", *case.words], cwd=folder, capture_output=True, text=True,
        env={**os.environ, **dict(case.environment), "PYTHONPATH": str(ROOT)}, timeout=600,
        check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert re.match(rf"({IN_ORDER})*(aepipe |usage: )", done.stderr)
    assert contents(folder) == before


def test_what_is_in_order_is_not_refused(folder):
    """Else every case above could be refused for another reason."""
    for words in (
        artifact_cases.ENCODE,
        ("check",),
        ("stage", "pca", "--dataset", "data/dataset", "--pca", "models/new"),
        ("sample", "--model", "models/vae", "--samples", "2", "--seed", "1", "--output", "a.npy"),
    ):
        case = params_cases.Case("in order", "none", lambda folder: None, words)
        assert meet(case, folder).code == 0, words


def test_the_limit_of_memory_holds(folder, monkeypatch):
    """Else no case could have been refused for what it takes."""
    from aepipe import __main__ as command_line

    def flood(parsed):
        bytearray(2 * MEMORY)

    monkeypatch.setitem(command_line.COMMANDS, "summary", (flood, "text"))
    met = meet(params_cases.Case("a flood", "none", lambda folder: None, ("summary",)), folder)
    assert "not enough memory" in met.said
    assert resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY
