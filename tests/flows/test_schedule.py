import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.graph import Graph
from flows.schedule import walk


def graph(needs: dict[str, set[str]]) -> Graph:
    frozen = {stage: frozenset(of) for stage, of in needs.items()}
    return Graph(needs=frozen, pools=dict.fromkeys(needs, "cpu"))


@st.composite
def graphs(draw):
    """Any graph of up to eight stages: each may need any of those before it."""
    stages = [f"s{number}" for number in range(draw(st.integers(1, 8)))]
    return graph(
        {
            stage: draw(st.sets(st.sampled_from(stages[:number]))) if number else set()
            for number, stage in enumerate(stages)
        }
    )


class Recorder:
    """Stands in for what runs stages: on threads of their own, some of them failing."""

    def __init__(self, failing: set[str], seconds: float = 0.0) -> None:
        self.failing = failing
        self.seconds = seconds
        self.events: list[tuple[str, str]] = []
        self.running = 0
        self.most = 0
        self.lock = threading.Lock()

    def start(self, stage, finished):
        with self.lock:
            self.events.append(("start", stage))
            self.running += 1
            self.most = max(self.most, self.running)
        threading.Thread(target=self.run, args=(stage, finished)).start()

    def run(self, stage, finished):
        time.sleep(self.seconds)
        with self.lock:
            self.events.append(("end", stage))
            self.running -= 1
        finished(stage not in self.failing)

    @property
    def started(self):
        return [stage for what, stage in self.events if what == "start"]


@settings(max_examples=50)
@given(graphs(), st.integers(1, 4), st.data())
def test_each_stage_starts_once_after_its_needs_and_never_after_a_failed_one(whole, at_once, data):
    failing = data.draw(st.sets(st.sampled_from(list(whole.needs))))
    recorder = Recorder(failing)
    walk(whole, at_once, recorder.start)
    blocked = set(failing)
    for stage, needs in whole.needs.items():  # in an order that puts needs first
        if needs & blocked:
            blocked.add(stage)
    held_back = {stage for stage in blocked if whole.needs[stage] & blocked}
    assert sorted(recorder.started) == sorted(set(whole.needs) - held_back)
    for stage in recorder.started:
        begun = recorder.events.index(("start", stage))
        assert all(recorder.events.index(("end", need)) < begun for need in whole.needs[stage])
    assert recorder.most <= at_once


def test_independent_stages_run_side_by_side():
    recorder = Recorder(set(), seconds=0.2)
    walk(graph({"a": set(), "b": set(), "c": set()}), 2, recorder.start)
    assert recorder.most == 2


def test_a_stage_starts_while_an_unrelated_one_still_runs():
    recorder = Recorder(set())
    slow = threading.Event()

    def start(stage, finished):
        if stage == "c":
            slow.set()
        if stage == "b":
            recorder.events.append(("start", stage))
            threading.Thread(target=lambda: finished(slow.wait(10))).start()
        else:
            recorder.start(stage, finished)

    walk(graph({"a": set(), "b": set(), "c": {"a"}}), 2, start)
    assert slow.is_set()
    assert recorder.started == ["a", "b", "c"]


def test_the_stage_with_the_longest_chain_behind_it_goes_first():
    recorder = Recorder(set())
    needs = {"leaf": set(), "root": set(), "middle": {"root"}, "end": {"middle"}}
    walk(graph(needs), 1, recorder.start)
    assert recorder.started == ["root", "middle", "leaf", "end"]


def test_no_stage_at_once_is_refused():
    with pytest.raises(ValueError, match="at_once is 0; expected 1 or more"):
        walk(graph({"a": set()}), 0, Recorder(set()).start)
