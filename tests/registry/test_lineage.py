import threading
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from aepipe.params.load import read_yaml
from aepipe.registry.lineage import chain, chain_params, first_difference, read_lock, touches
from aepipe.registry.provenance import locked, recipe
from aepipe.registry.weights import compare_weights

ROOT = Path(__file__).parents[2]
LOCK = """
schema: '2.0'
stages:
  report:
    cmd: x
    deps: [{path: models, md5: m.dir}]
    outs: [{path: page, md5: p}]
  finetune:
    cmd: x
    deps: [{path: data/dataset, md5: d.dir}, {path: models/stack, md5: s.dir}, {path: c.py, md5: c}]
    params: {params.yaml: {seed: 1, finetune.rate: 0.5}}
    outs: [{path: models/classifier, md5: f.dir}]
  pretrain@first:
    cmd: x
    deps: [{path: data/dataset, md5: d.dir}]
    params: {params.yaml: {stack.layers.first: {units: 3}, seed: 1}}
    outs: [{path: models/stack/first, md5: a.dir}]
  ingest:
    cmd: x
    outs: [{path: data/dataset, md5: d.dir}]
  pca:
    cmd: x
    deps: [{path: data/dataset, md5: d.dir}]
    outs: [{path: models/pca, md5: q.dir}]
"""


@pytest.fixture
def lock(tmp_path):
    path = tmp_path / "dvc.lock"
    path.write_text(LOCK)
    return read_lock(path)


def test_a_lock_file_that_is_being_written_is_read_when_it_is_whole(tmp_path):
    path = tmp_path / "dvc.lock"
    path.write_text(LOCK)
    whole = read_lock(path)
    written = threading.Event()

    def write_in_pieces():
        with path.open("w") as file:
            for line in LOCK.splitlines(keepends=True):
                file.write(line)
                file.flush()
                written.set()
                time.sleep(0.01)

    writer = threading.Thread(target=write_in_pieces)
    writer.start()
    assert written.wait(60)
    found = read_lock(path)
    writer.join()
    assert found == whole


def test_a_chain_is_what_a_model_comes_from_needs_first_and_nothing_else(lock):
    steps = chain(lock, "models/classifier")
    assert [step.stage for step in steps] == ["ingest", "pretrain@first", "finetune"]
    assert steps[-1].deps == {"data/dataset": "d.dir", "models/stack": "s.dir", "c.py": "c"}
    assert chain(lock, "models/unknown") == []


def test_without_a_lock_file_there_are_no_stages(tmp_path):
    assert read_lock(tmp_path / "dvc.lock") == {}


def test_every_model_of_the_projects_own_lock_comes_from_its_data():
    lock = read_lock(ROOT / "dvc.lock")
    for folder in ("models/autoencoder", "models/classifier", "models/vae"):
        assert chain(lock, folder)[0].stage == "ingest"
        assert list(chain(lock, folder)[-1].outs) == [folder]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("a/b", "a/b", True),
        ("a/b", "a", True),
        ("a", "a/b", True),
        ("a/b", "a/bc", False),
        ("a", "b", False),
    ],
)
def test_paths_touch_if_one_lies_in_the_other(first, second, expected):
    assert touches(first, second) == expected


def test_the_first_difference_is_of_the_first_stage_that_came_out_otherwise(lock, tmp_path):
    steps = chain(lock, "models/classifier")
    assert first_difference(steps, lock) is None
    other = tmp_path / "other.lock"
    other.write_text(LOCK.replace("a.dir", "b.dir").replace("f.dir", "g.dir"))
    assert first_difference(steps, read_lock(other)).stage == "pretrain@first"
    assert first_difference(steps, {}).stage == "ingest"


def test_a_recipe_is_the_file_with_the_values_that_were_used(lock):
    params = chain_params(chain(lock, "models/classifier"))
    declared = {"seed": 9, "stack": {"layers": {"first": {"units": 8, "new": 1}}}, "vae": {"a": 1}}
    text = recipe(declared, params)
    assert text.splitlines() == [
        "seed: 1", "stack:", "  layers:", "    first:", "      units: 3", "vae:", "  a: 1",
        "finetune:", "  rate: 0.5",
    ]  # fmt: skip


def test_the_lock_that_is_kept_has_the_stages_behind_a_model_alone(lock, tmp_path):
    steps = chain(lock, "models/stack/first")
    kept = tmp_path / "kept.lock"
    kept.write_text(locked(read_yaml(tmp_path / "dvc.lock"), steps))
    assert list(read_lock(kept)) == ["ingest", "pretrain@first"]
    assert chain(read_lock(kept), "models/stack/first") == steps


def test_weights_are_told_apart_by_how_much(tmp_path):
    def weights(name: str, **tensors) -> Path:
        path = tmp_path / name
        save_file({key: np.array(each, np.float32) for key, each in tensors.items()}, path)
        return path

    first = weights("first", a=[1.0, -4.0], b=[0.5])
    assert compare_weights(first, weights("same", a=[1.0, -4.0], b=[0.5])) is None
    told = compare_weights(first, weights("other", a=[1.0, -3.0], b=[0.25]))
    assert told == "the weights differ by at most 1 (in a), relatively 0.5"
    assert compare_weights(first, weights("more", a=[1.0])) == "they are of another architecture"
    (tmp_path / "bad").write_text("no weights")
    assert "no safetensors file" in compare_weights(first, tmp_path / "bad")
    assert "one of both is missing" in compare_weights(first, tmp_path / "absent")
