import argparse
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from aepipe.command import Call, load_stage, look_up, parse_call, run_call, stage_names
from aepipe.errors import AepipeError, ParamsError, RegistryError
from aepipe.monitor import Silent
from aepipe.params.load import load_params
from aepipe.signature import as_stage

PARAMS = Path(__file__).parents[1] / "params.yaml"


@dataclass(frozen=True)
class Inputs:
    source: Path


@dataclass(frozen=True)
class Outputs:
    model: Path
    figures: Path


@contextmanager
def unwatched(call, outputs):
    yield Silent()


def nothing_more(call, outputs):
    pass


@pytest.fixture
def call(tmp_path):
    """Make a call of a stage with the given `run`, whose outputs go to `tmp_path`."""

    def make(run):
        module = ModuleType("stage")
        module.Params, module.Inputs, module.Outputs, module.run = None, Inputs, Outputs, run
        return Call(
            stage=as_stage(module),
            title="stage",
            experiment="experiment",
            params="params",
            inputs=Inputs(tmp_path / "source"),
            outputs=Outputs(tmp_path / "out" / "model", tmp_path / "out" / "figures.json"),
        )

    return make


def write_both(params, inputs, outputs, monitor):
    outputs.model.mkdir()
    (outputs.model / "weights").write_text(params)
    outputs.figures.write_text(inputs.source.name)


def test_stages_are_the_modules_of_their_package():
    folder = PARAMS.parent / "aepipe" / "stages"
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert {"pretrain", "unroll"} <= modules
    assert set(stage_names()) == modules


@pytest.mark.parametrize("name", stage_names())
def test_every_stage_has_the_three_parts_of_a_signature(name):
    stage = load_stage(name)
    for part in (stage.Params, stage.Inputs, stage.Outputs):
        assert part.__dataclass_params__.frozen
    assert callable(stage.run)
    assert (stage.__doc__ or "").strip()


def test_outputs_appear_under_their_names_when_the_stage_is_done(call, tmp_path):
    run_call(call(write_both), unwatched, nothing_more)
    out = tmp_path / "out"
    assert sorted(path.name for path in out.iterdir()) == ["figures.json", "model"]
    assert (out / "model" / "weights").read_text() == "params"


def test_a_stage_never_sees_the_final_names(call, tmp_path):
    seen = []

    def run(params, inputs, outputs, monitor):
        seen.extend([outputs.model, outputs.figures])
        write_both(params, inputs, outputs, monitor)

    made = call(run)
    run_call(made, unwatched, nothing_more)
    assert set(seen) & {made.outputs.model, made.outputs.figures} == set()


@pytest.mark.parametrize("error", [AepipeError("mistake"), ValueError("bug"), KeyboardInterrupt()])
def test_a_stage_that_fails_leaves_nothing(error, call, tmp_path):
    def run(params, inputs, outputs, monitor):
        write_both(params, inputs, outputs, monitor)
        raise error

    with pytest.raises(type(error)):
        run_call(call(run), unwatched, nothing_more)
    assert list((tmp_path / "out").iterdir()) == []


def test_what_comes_last_sees_whole_outputs_and_can_still_refuse_them(call, tmp_path):
    def refuse(made, outputs):
        assert (outputs.model / "weights").read_text() == "params"
        assert not made.outputs.model.exists()
        raise RegistryError("refused")

    with pytest.raises(RegistryError, match="refused"):
        run_call(call(write_both), unwatched, refuse)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_path_is_followed_through_sections_and_mappings():
    params = load_params(PARAMS)
    assert look_up(params, "seed") == params.seed
    assert look_up(params, "stack.layers.first.units") == params.stack.layers["first"].units


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("sed", r"^params\.yaml: no sed; there is seed, data, "),
        ("stack.layers.fourth", r"^params\.yaml: no stack\.layers\.fourth; there is first, "),
    ],
)
def test_a_path_that_leads_nowhere_is_a_users_error(path, message):
    with pytest.raises(ParamsError, match=message):
        look_up(load_params(PARAMS), path)


def test_a_call_is_filled_from_params_and_command_line():
    given = argparse.Namespace(params=PARAMS, name="second", input=Path("in"), layer=Path("out"))
    made = parse_call("pretrain", given)
    whole = load_params(PARAMS)
    assert made.title == "pretrain@second"
    assert made.experiment == whole.registry.experiment
    assert made.params.name == "second"
    assert made.params.layer == whole.stack.layers["second"]
    assert made.inputs.input == Path("in")
    assert made.outputs.layer == Path("out")


def test_an_instance_that_does_not_exist_is_a_users_error():
    given = argparse.Namespace(params=PARAMS, name="tenth", input=Path("in"), layer=Path("out"))
    with pytest.raises(ParamsError, match=r"no stack\.layers\.tenth; there is first, second"):
        parse_call("pretrain", given)
