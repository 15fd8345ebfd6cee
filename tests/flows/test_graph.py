import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import pytest
from dvc.repo import lock_repo

from aepipe.errors import AepipeError
from flows.graph import (
    Graph,
    locked_stages,
    order_lock,
    outputs_in_lock,
    read_graph,
    repository,
)

# dvc uses what its dependency pygtrie is about to change
pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")

DIAMOND = Graph(
    needs={
        "a": frozenset(),
        "b": frozenset({"a"}),
        "c@one": frozenset({"a"}),
        "c@two": frozenset({"c@one"}),
        "d": frozenset({"b", "c@two"}),
    },
    pools=dict.fromkeys(["a", "b", "c@one", "c@two", "d"], "cpu"),
)


def test_graph_is_dvcs_with_foreach_expanded_and_folders_followed(toy):
    assert read_graph(toy).needs == {
        "source": set(),
        "layer@wide": {"source"},
        "layer@narrow": {"layer@wide"},
        "side": {"source"},
        "total": {"layer@wide", "layer@narrow", "side"},
    }


def test_graph_does_not_depend_on_the_folder_one_stands_in(toy, tmp_path, monkeypatch):
    monkeypatch.chdir(toy)
    inside = read_graph(toy)
    monkeypatch.chdir(tmp_path)
    assert read_graph(toy) == inside


def test_every_need_comes_before_the_stage_that_has_it(toy):
    needs = read_graph(toy).needs
    order = list(needs)
    assert all(order.index(need) < order.index(stage) for stage in order for need in needs[stage])


def test_pool_is_the_declared_one_or_the_processor(toy):
    pools = read_graph(toy).pools
    assert pools == {
        "source": "cpu",
        "side": "cpu",
        "total": "cpu",
        "layer@wide": "cuda",
        "layer@narrow": "cuda",
    }


def test_a_target_brings_what_it_needs_and_nothing_else():
    assert list(DIAMOND.upstream(["c@two"]).needs) == ["a", "c@one", "c@two"]
    assert DIAMOND.upstream(["c"]) == DIAMOND.upstream(["c@two"])
    assert DIAMOND.upstream([]) == DIAMOND


def test_an_unknown_target_is_named_with_what_there_is():
    with pytest.raises(AepipeError, match=r"^e: no such stage in dvc.yaml; there is a, b, c@one"):
        DIAMOND.upstream(["a", "e"])


def test_stages_can_be_sent_elsewhere_and_what_names_them_most_closely_counts():
    whole = replace(DIAMOND, pools={**DIAMOND.pools, "c@one": "cuda", "c@two": "cuda"})
    assert whole.sent({"cuda": "x"}).pools == {**whole.pools, "c@one": "x", "c@two": "x"}
    assert whole.sent({"cuda": "x", "c@two": "y"}).pools["c@two"] == "y"
    assert whole.sent({"c": "z", "cuda": "x"}).pools["c@one"] == "z"
    with pytest.raises(
        AepipeError, match=r"^pools.tpu: neither a pool nor a stage .* cpu, cuda, a"
    ):
        whole.sent({"tpu": "x"})


def test_inputs_are_the_smaller_of_what_is_read_and_what_is_written(toy):
    inputs = read_graph(toy).inputs
    assert inputs["source"] == {}  # the seed is in git
    assert inputs["layer@narrow"] == {"layers/wide": "layer@wide"}
    wide, narrow = {"layers/wide": "layer@wide"}, {"layers/narrow": "layer@narrow"}
    assert inputs["total"] == {**wide, **narrow, "side": "side"}  # it reads the folder of both


def test_gpus_are_those_declared(toy):
    text = (toy / "dvc.yaml").read_text()
    (toy / "dvc.yaml").write_text(text.replace("pool: cuda", "pool: cuda, gpus: 2"))
    assert read_graph(toy).gpus == {"layer@wide": 2, "layer@narrow": 2}
    (toy / "dvc.yaml").write_text(text.replace("pool: cuda", "pool: cuda, gpus: many"))
    with pytest.raises(AepipeError, match=r"layer@wide: meta.gpus is 'many'; expected 1"):
        read_graph(toy)


def test_height_counts_the_longest_chain_that_waits():
    assert DIAMOND.heights() == {"a": 3, "b": 1, "c@one": 2, "c@two": 1, "d": 0}


def test_a_folder_without_pipeline_is_a_users_mistake(tmp_path):
    with pytest.raises(AepipeError, match="DVC finds no pipeline it can run here"):
        read_graph(tmp_path)


@pytest.mark.pipeline
def test_lock_ends_as_one_repro_writes_it_whatever_was_faster(toys, repro):
    one, two = toys
    repro(one)
    for stage in ["source", "side", "layer@wide", "layer@narrow", "total"]:
        repro(two, "--single-item", stage)
    assert locked_stages(two) != locked_stages(one)
    order_lock(two, before=[])
    assert (two / "dvc.lock").read_bytes() == (one / "dvc.lock").read_bytes()


@pytest.mark.pipeline
def test_entries_that_were_there_before_stay_where_they_were(toys, repro):
    """`dvc repro` updates an entry in place and appends a new one; so must the flow."""
    one, two = toys
    for root in toys:
        repro(root, "side")
        (root / "seed").write_text("2\n")
    before = locked_stages(two)
    assert before == ["source", "side"]
    repro(one)
    for stage in ["source", "layer@wide", "layer@narrow", "side", "total"]:
        repro(two, "--single-item", stage)
    order_lock(two, before)
    assert (two / "dvc.lock").read_bytes() == (one / "dvc.lock").read_bytes()


def test_outputs_are_read_when_nobody_is_writing_the_lock(toy, repro):
    repro(toy)
    lock = toy / "dvc.lock"
    whole = lock.read_bytes()
    expected = outputs_in_lock(toy, ["source", "total"])
    assert list(expected["source"]) == ["cmd", "outs"]
    halved = Event()

    def write_in_place() -> None:
        with repository(toy) as opened, lock_repo(opened):
            lock.write_bytes(whole[: len(whole) // 2])
            halved.set()
            time.sleep(0.5)
            lock.write_bytes(whole)

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write_in_place)
        halved.wait()
        assert outputs_in_lock(toy, ["source", "total"]) == expected
        writing.result()


def test_a_pipeline_that_never_ran_has_no_lock_to_order(toy):
    order_lock(toy, before=[])
    assert locked_stages(toy) == []
    assert not (toy / "dvc.lock").exists()
