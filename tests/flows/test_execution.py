import os

import pytest

from aepipe.errors import AepipeError
from flows import execution
from flows.execution import carry_out
from flows.order import MARK, Note, Order, Remote
from flows.outcome import Outcome
from flows.tether import lifeline


def note(stage: str, did: str | None = None, code: int | None = None) -> str:
    return MARK + Note(stage=stage, did=did, code=code).model_dump_json()


@pytest.fixture
def follow(monkeypatch, tmp_path):
    """Carry out an order with a process that says some lines and ends with a code."""

    def call(order: Order, lines: list[str], code: int) -> dict[str, Outcome]:
        said = "\n".join(lines)
        monkeypatch.setattr(execution, "ENTRY", f"import sys; print({said!r}); sys.exit({code})")
        with lifeline() as line:
            return carry_out(order, line, tmp_path, os.environ, lambda text: None)

    return call


LOCAL = Order(stages=("a", "b"), needs={"a": frozenset(), "b": frozenset()}, run=True)


def test_what_dvc_says_between_the_notes_is_what_became_of_a_stage(follow):
    lines = [note("a"), "Running stage 'a':", note("a", code=0)]
    lines += [note("b"), "Stage 'b' didn't change, skipping", note("b", code=0)]
    assert {s: o.did for s, o in follow(LOCAL, lines, 0).items()} == {"a": "ran", "b": "unchanged"}


def test_a_failed_stage_keeps_its_own_last_lines(follow):
    lines = [note("a"), "Running stage 'a':", "the reason", note("a", code=1)]
    lines += [note("b"), "Running stage 'b':", "fine", note("b", code=0)]
    became = follow(LOCAL, lines, 0)
    assert became["a"].did == "failed"
    assert became["a"].last_lines == ("Running stage 'a':", "the reason")
    assert became["b"].did == "ran"
    assert became["b"].last_lines == ()


def test_a_process_that_is_killed_loses_the_stage_it_was_in(follow):
    lines = [note("a"), "Running stage 'a':", note("a", code=0), note("b"), "half way"]
    became = follow(LOCAL, lines, 137)
    assert became["a"].did == "ran"
    assert became["b"].did == "failed"
    assert became["b"].last_lines == ("half way",)


def test_results_that_could_not_be_pushed_have_failed(follow):
    order = LOCAL.model_copy(update={"remote": Remote()})
    lines = [note("a"), note("a", code=0), note("b"), note("b", code=0), "no remote"]
    became = follow(order, lines, 2)
    assert {s: o.did for s, o in became.items()} == {"a": "failed", "b": "failed"}
    assert became["a"].last_lines == ("no remote",)


def test_inputs_that_could_not_be_pulled_fail_the_first_stage_only(follow):
    order = LOCAL.model_copy(update={"remote": Remote()})
    became = follow(order, ["the remote is gone"], 2)
    assert list(became) == ["a"]
    assert became["a"].last_lines == ("the remote is gone",)


def test_taking_that_fails_is_an_error_of_its_own(follow):
    with pytest.raises(AepipeError, match=r"^the remote is gone$"):
        follow(Order(stages=("a",), needs={"a": frozenset()}, run=False), ["the remote is gone"], 2)
