"""Experiments over params.yaml: what is merged, what is replaced, what is refused."""

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from aepipe.errors import ParamsError
from aepipe.experiments.commands import list_experiments, show_experiment
from aepipe.experiments.figures import figure_lines
from aepipe.experiments.files import (
    experiment_names,
    experiment_params,
    merged,
    read_experiment,
)
from aepipe.files import write_json
from aepipe.params.load import load_params

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "experiments"
ABOUT = "experiment: {title: T, source: S, targets: [pca], cost: none, expected: nothing}\n"


def write(folder: Path, text: str) -> None:
    (folder / "experiments").mkdir()
    (folder / "experiments" / "tried.yaml").write_text(ABOUT + text)


def test_mappings_are_merged_and_the_rest_is_replaced():
    base = {"a": {"b": 1, "c": [1, 2]}, "d": 4}
    assert merged(base, {"a": {"c": [3]}}) == {"a": {"b": 1, "c": [3]}, "d": 4}
    assert base == {"a": {"b": 1, "c": [1, 2]}, "d": 4}


def test_another_kind_brings_all_of_its_keys():
    base = {"source": {"kind": "digits", "folder": "x"}}
    assert merged(base, {"source": {"kind": "digits", "to": 1}})["source"]["folder"] == "x"
    assert merged(base, {"source": {"kind": "idx", "to": 1}})["source"] == {"kind": "idx", "to": 1}


def test_entries_that_are_lists_by_name_are_replaced_whole():
    base = {"models": {"one": 1}, "stack": {"layers": {"low": 1}, "other": 2}}
    changed = merged(base, {"models": {"two": 2}, "stack": {"layers": {"high": 3}}})
    assert changed == {"models": {"two": 2}, "stack": {"layers": {"high": 3}, "other": 2}}


@pytest.mark.parametrize("name", experiment_names(FOLDER))
def test_each_experiment_can_be_run_over_params_yaml_as_it_is(name):
    text, params = experiment_params(read_experiment(FOLDER, name), ROOT / "params.yaml", name)
    assert YAML(typ="safe").load(text)["seed"] == params.seed


@pytest.mark.parametrize("name", experiment_names(FOLDER))
def test_the_targets_of_each_experiment_are_stages_of_its_params(name):
    experiment = read_experiment(FOLDER, name)
    _, params = experiment_params(experiment, ROOT / "params.yaml", name)
    instances = {
        "pretrain": params.stack.layers,
        "model": params.models,
        "evaluate": params.evaluate.representations,
        "evaluate-model": params.models,
    }
    stages = set(YAML(typ="safe").load((ROOT / "dvc.yaml").read_text())["stages"])
    for target in experiment.experiment.targets:
        stage, _, item = target.partition("@")
        assert stage in stages
        assert not item or item in instances[stage]


@pytest.mark.parametrize("name", experiment_names(FOLDER))
def test_each_experiment_says_what_it_costs_and_what_to_expect(name):
    about = read_experiment(FOLDER, name).experiment
    assert re.search(r"second|minute|hour|day", about.cost)
    assert re.search(r"\d", about.expected), "no figure to compare with"
    assert len(about.source) > 20


def test_there_are_experiments():
    assert "mnist" in experiment_names(FOLDER)


def test_what_is_shown_can_be_used_as_params_yaml(tmp_path):
    (tmp_path / "params.yaml").write_text(show_experiment(ROOT, "mnist", ROOT / "params.yaml"))
    assert load_params(tmp_path / "params.yaml").data.source.kind == "idx"


def test_a_list_has_name_title_and_cost(tmp_path):
    write(tmp_path, "params: {}\n")
    assert list_experiments(tmp_path) == ["tried  T (none)"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("params: {vae: {code_sise: 3}}\n", "vae.code_sise: unknown key, did you mean 'code_size'"),
        ("params: {vae: {code_size: 0}}\n", "vae.code_size = 0: expected greater than 0"),
        ("parms: {}\n", "parms: unknown key, did you mean 'params'?"),
    ],
)
def test_a_wrong_experiment_is_refused_with_its_key_path(tmp_path, text, message):
    write(tmp_path, text)
    with pytest.raises(ParamsError) as raised:
        show_experiment(tmp_path, "tried", ROOT / "params.yaml")
    assert message in str(raised.value)


def test_a_name_that_is_none_is_answered_with_those_that_are(tmp_path):
    write(tmp_path, "params: {}\n")
    with pytest.raises(ParamsError, match="no such experiment; there is tried"):
        read_experiment(tmp_path / "experiments", "tride")


def test_figures_are_shown_with_their_intervals_and_without_the_long_tables(tmp_path):
    figure = {"value": 0.5, "low": 0.25, "high": 0.75}
    write_json(
        tmp_path / "reports" / "evaluation" / "raw.json",
        {"code_size": 64, "accuracy": {"linear": figure}, "robustness": {"x": figure}},
    )
    assert figure_lines(tmp_path) == [
        "raw  code_size        64",
        "raw  accuracy.linear  0.5 (0.25 to 0.75)",
    ]
