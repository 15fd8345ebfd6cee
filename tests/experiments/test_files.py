"""Experiments over params.yaml: what is merged, what is replaced, what is refused."""

import re
from functools import cache
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from aepipe.check import check
from aepipe.check.demands import unmet_demands
from aepipe.check.outline import Outline, outline_source
from aepipe.errors import ParamsError
from aepipe.experiments.commands import list_experiments, show_experiment
from aepipe.experiments.figures import figure_lines
from aepipe.experiments.files import (
    Experiment,
    experiment_names,
    experiment_params,
    merged,
    read_experiment,
)
from aepipe.files import write_json
from aepipe.monitor import Silent
from aepipe.params.data import (
    ConvexSource,
    DigitsSource,
    IdxSource,
    NpzSource,
    PairsSource,
    RectanglesSource,
    SeriesSource,
    Source,
    TorchvisionSource,
    VariantSource,
)
from aepipe.params.load import load_params
from aepipe.params.root import Params
from tests.experiments.test_prepare import prepare

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "experiments"
ABOUT = "experiment: {title: T, source: S, targets: [pca], cost: none, expected: nothing}\n"


def write(folder: Path, text: str) -> None:
    (folder / "experiments").mkdir()
    (folder / "experiments" / "tried.yaml").write_text(ABOUT + text)


@cache
def overlaid(name: str) -> tuple[Experiment, str, Params]:
    """An experiment, and the params that it makes of ours, as text and as read."""
    experiment = read_experiment(FOLDER, name)
    return experiment, *experiment_params(experiment, ROOT / "params.yaml", name)


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
    _, text, params = overlaid(name)
    assert YAML(typ="safe").load(text)["seed"] == params.seed


@pytest.mark.parametrize("name", experiment_names(FOLDER))
def test_the_targets_of_each_experiment_are_stages_of_its_params(name):
    experiment, _, params = overlaid(name)
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


def outline(params: Params) -> Outline:
    """Give what is known of a source without its files: these lie on few machines."""
    if isinstance(params.data.source, DigitsSource):
        return outline_source(params.data, params.seed)
    shape, classes, levels = known(params.data.source)
    return Outline(
        where="the source",
        shape=shape,
        classes=len(classes),
        class_names=classes,
        counts={"train": 400, "valid": 100, "test": 500},  # of ECG5000, the smallest of all
        trained_classes=len(params.data.train_on or classes),
        labelled=400,
        bounded=not isinstance(params.data.source, SeriesSource),
        levels=levels,
    )


def known(source: Source) -> tuple[tuple[int, ...], list[str], int | None]:
    """Give the shape of a sample, the classes, and the number of values of a pixel."""
    digits = [str(digit) for digit in range(10)]
    beats = [str(beat) for beat in range(1, 6)]
    match source:
        case IdxSource() | TorchvisionSource(name="FashionMNIST") | VariantSource(of=IdxSource()):
            return (1, 28, 28), digits, 256
        case RectanglesSource() | ConvexSource():
            return (1, 28, 28), ["0", "1"], 256
        case NpzSource(path="data/sources/prepared/reuters_r8.npz"):
            return (2000,), digits[:8], None
        case NpzSource(path="data/sources/ecg5000/ecg5000_1000of5000.npz"):
            return (140,), beats, None
        case SeriesSource():
            return (140, 1), beats, None
        case PairsSource(path="data/sources/prepared/spoken_digits.npz"):
            return (1, 40, 11), digits, None
        case _:
            raise AssertionError(f"{source}: say here what is known of it")


@pytest.mark.parametrize("name", experiment_names(FOLDER))
def test_each_experiment_asks_of_its_data_what_they_have(name):
    _, _, params = overlaid(name)
    assert unmet_demands(params, outline(params)) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", experiment_names(FOLDER))
def test_each_experiment_passes_the_check_where_its_data_are(name, with_data, monkeypatch):
    monkeypatch.chdir(with_data)
    _, text, params = overlaid(name)
    if params.data.source.kind == "torchvision":
        pytest.skip("Fashion-MNIST is not among the data beside the repository")
    Path("params.yaml").write_text(text)
    check(Path("params.yaml"), Silent())


@pytest.fixture(scope="module")
def with_data(shared_data, tmp_path_factory) -> Path:
    """A folder with the data where experiments look for them, by the commands of their headers."""
    folder: Path = tmp_path_factory.mktemp("with-data")
    sources = folder / "data" / "sources"
    sources.mkdir(parents=True)
    for name in ("mnist", "ecg5000"):
        (sources / name).symlink_to(shared_data / name)
    for script, archive in (
        ("reuters_r8", "reuters_r8/reuters_r8_bow2000.npz"),
        ("spoken_digits", "fsdd/fsdd_recordings.zip"),
    ):
        prepare(script, shared_data / archive, sources / "prepared" / f"{script}.npz")
    return folder


@pytest.mark.parametrize("name", experiment_names(FOLDER))
def test_each_experiment_says_what_it_costs_and_what_to_expect(name):
    about = overlaid(name)[0].experiment
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
