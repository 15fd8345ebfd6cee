import argparse
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from aepipe.signature import (
    add_arguments,
    as_stage,
    collect,
    instance,
    instance_field,
    section,
    section_paths,
    takes_name,
)


@dataclass(frozen=True)
class Inputs:
    dataset: Path
    layer_below: Path


@dataclass(frozen=True)
class Outputs:
    model: Path


@dataclass(frozen=True)
class OneParams:
    seed: int
    probes: dict = section("evaluate.probes")


@dataclass(frozen=True)
class ManyParams:
    seed: int
    which: str = instance()
    layer: dict = section("stack.layers.{name}")


@dataclass(frozen=True)
class SectionParams:
    model: dict = section("models.{name}")


def stage(params):
    module = ModuleType("stage")
    module.Params, module.Inputs, module.Outputs = params, Inputs, Outputs
    return as_stage(module)


ONE, MANY, BY_SECTION = stage(OneParams), stage(ManyParams), stage(SectionParams)


def test_a_field_is_read_from_the_key_of_its_own_name_unless_it_says_where():
    assert section_paths(ONE, None) == {"seed": "seed", "probes": "evaluate.probes"}


def test_the_name_of_the_instance_goes_into_the_paths_and_is_read_from_none():
    assert section_paths(MANY, "first") == {"seed": "seed", "layer": "stack.layers.first"}
    assert instance_field(MANY) == "which"
    assert instance_field(ONE) is None


def test_a_stage_takes_a_name_exactly_if_its_params_depend_on_one():
    assert not takes_name(ONE)
    assert takes_name(MANY)
    assert takes_name(BY_SECTION)


def parse(of, words):
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_arguments(parser, of)
    return parser.parse_args(words)


PATHS = ["--dataset", "a/b", "--layer-below", "c", "--model", "d"]


def test_every_path_is_an_option_of_its_own_and_comes_back_in_its_dataclass():
    parsed = parse(ONE, PATHS)
    assert collect(Inputs, parsed) == Inputs(Path("a/b"), Path("c"))
    assert collect(Outputs, parsed) == Outputs(Path("d"))


@pytest.mark.parametrize("left_out", ["--dataset", "--layer-below", "--model", "--name"])
def test_no_option_may_be_left_out(left_out, capsys):
    words = [*PATHS, "--name", "first"]
    at = words.index(left_out)
    with pytest.raises((SystemExit, argparse.ArgumentError)):
        parse(MANY, words[:at] + words[at + 2 :])
    assert left_out in capsys.readouterr().err
