import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.graph import Graph
from flows.outcome import Outcome
from flows.schedule import Capacity, walk


def graph(needs: dict[str, set[str]]) -> Graph:
    frozen = {stage: frozenset(of) for stage, of in needs.items()}
    return Graph(needs=frozen, pools=dict.fromkeys(needs, "cpu"))


def at_once(number: int, worth: float = 0.0) -> Capacity:
    return Capacity(lambda pool: number, worth)


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

    def __init__(self, whole: Graph, failing: set[str], seconds: float = 0.0) -> None:
        self.whole = whole
        self.failing = failing
        self.seconds = seconds
        self.events: list[tuple[str, str]] = []
        self.groups: list[list[str]] = []
        self.running = 0
        self.most = 0
        self.lock = threading.Lock()

    def start(self, stages, finished):
        with self.lock:
            self.groups.append(list(stages))
            self.running += 1
            self.most = max(self.most, self.running)
        threading.Thread(target=self.run, args=(stages, finished)).start()

    def run(self, stages, finished):
        outcomes = {}
        for stage in stages:
            if any(not outcomes[n].succeeded for n in self.whole.needs[stage] if n in outcomes):
                continue  # as the process of a group does
            if any(n in stages and n not in outcomes for n in self.whole.needs[stage]):
                continue
            with self.lock:
                self.events.append(("start", stage))
            time.sleep(self.seconds)
            with self.lock:
                self.events.append(("end", stage))
            did = "failed" if stage in self.failing else "ran"
            outcomes[stage] = Outcome(stage=stage, did=did, seconds=0.1)
        with self.lock:
            self.running -= 1
        finished(outcomes)

    @property
    def started(self):
        return [stage for what, stage in self.events if what == "start"]


@settings(max_examples=50)
@given(graphs(), st.integers(1, 4), st.sampled_from([0.0, 1.0]), st.data())
def test_each_stage_starts_once_after_its_needs_and_never_after_a_failed_one(
    whole, number, worth, data
):
    failing = data.draw(st.sets(st.sampled_from(list(whole.needs))))
    recorder = Recorder(whole, failing)
    walk(whole, {}, at_once(number, worth), recorder.start)
    blocked = set(failing)
    for stage, needs in whole.needs.items():  # in an order that puts needs first
        if needs & blocked:
            blocked.add(stage)
    held_back = {stage for stage in blocked if whole.needs[stage] & blocked}
    assert sorted(recorder.started) == sorted(set(whole.needs) - held_back)
    for stage in recorder.started:
        begun = recorder.events.index(("start", stage))
        assert all(recorder.events.index(("end", need)) < begun for need in whole.needs[stage])
    assert recorder.most <= number


def test_independent_stages_run_side_by_side():
    whole = graph({"a": set(), "b": set(), "c": set()})
    recorder = Recorder(whole, set(), seconds=0.2)
    walk(whole, {}, at_once(2), recorder.start)
    assert recorder.most == 2


def test_a_stage_starts_while_an_unrelated_one_still_runs():
    whole = graph({"a": set(), "b": set(), "c": {"a"}})
    recorder = Recorder(whole, set())
    slow = threading.Event()

    def start(stages, finished):
        if stages == ["c"]:
            slow.set()
        if stages == ["b"]:
            recorder.events.append(("start", "b"))
            done = {"b": Outcome(stage="b", did="ran")}
            threading.Thread(target=lambda: slow.wait(10) and finished(done)).start()
        else:
            recorder.start(stages, finished)

    walk(whole, {}, at_once(2), start)
    assert slow.is_set()
    assert recorder.started == ["a", "b", "c"]


def test_the_stage_with_the_longest_chain_behind_it_goes_first():
    whole = graph({"leaf": set(), "root": set(), "middle": {"root"}, "end": {"middle"}})
    recorder = Recorder(whole, set())
    walk(whole, {}, at_once(1), recorder.start)
    assert recorder.started == ["root", "middle", "leaf", "end"]


def test_no_stage_at_once_is_refused():
    whole = graph({"a": set()})
    with pytest.raises(ValueError, match="no slot for any stage; expected 1 or more"):
        walk(whole, {}, at_once(0), Recorder(whole, set()).start)


def test_what_is_settled_does_not_start():
    whole = graph({"a": set(), "b": {"a"}})
    recorder = Recorder(whole, set())
    walk(whole, {"a": Outcome(stage="a", did="unchanged")}, at_once(1), recorder.start)
    assert recorder.started == ["b"]


def test_stages_go_together_once_their_like_were_short():
    """A hundred stages of 0.1 s, worth a process from 1 s on: ten in each, all slots at work."""
    whole = graph({f"s@{n}": set() for n in range(100)} | {"total": {"s@99"}})
    recorder = Recorder(whole, set())
    walk(whole, {}, at_once(2, worth=1.01), recorder.start)
    assert [len(group) for group in recorder.groups[:2]] == [1, 1]  # nothing is known yet
    assert max(len(group) for group in recorder.groups) == 10
    assert len(recorder.groups) < 20


def test_a_chain_of_short_stages_goes_together_too():
    whole = graph({f"s@{n}": {f"s@{n - 1}"} if n else set() for n in range(50)})
    recorder = Recorder(whole, set())
    walk(whole, {}, at_once(2, worth=1.01), recorder.start)
    assert recorder.started == list(whole.needs)
    assert len(recorder.groups) <= 7


def test_stages_that_may_be_long_go_alone():
    whole = graph({f"a@{n}": set() for n in range(4)} | {f"b@{n}": set() for n in range(4)})
    recorder = Recorder(whole, set())
    walk(whole, {}, at_once(1, worth=1.0), recorder.start)
    first_of_b = next(group for group in recorder.groups if group[0].startswith("b@"))
    assert first_of_b == ["b@0"]


def test_a_stage_that_asks_for_gpus_goes_alone():
    whole = graph({f"s@{n}": set() for n in range(5)})
    whole = Graph(needs=whole.needs, pools=whole.pools, gpus=dict.fromkeys(whole.needs, 2))
    recorder = Recorder(whole, set())
    walk(whole, {}, at_once(1, worth=10.0), recorder.start)
    assert [len(group) for group in recorder.groups] == [1] * 5
