"""What holds `dvc.yaml`, `params.yaml` and the code together."""

import json
import re
import shlex
import tomllib
from dataclasses import dataclass, fields
from itertools import chain
from pathlib import Path

import grimp
import pytest
from dvc.repo import Repo

from aepipe.__main__ import parser
from aepipe.command import load_stage, look_up, stage_names
from aepipe.params.load import load_params
from aepipe.params.schema import params_schema
from aepipe.signature import Stage, section_paths

# dvc uses what its dependency pygtrie is about to change
pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")

ROOT = Path(__file__).parents[1]
LOCK = "requirements.lock"

# What a stage may import without depending on it, since it holds no results: it names things, says
# things or refuses things. What of aepipe.params matters is the values, which DVC watches itself.
NO_RESULTS = {
    "aepipe",
    "aepipe.stages",
    "aepipe.errors",
    "aepipe.monitor",
    "aepipe.signature",
    "aepipe.data",
    "aepipe.data.contracts",
    "aepipe.data.sweep_contracts",
    "aepipe.data.failures",
}
WITHOUT_LOCK = {"register"}  # its output holds digests and figures of others, whatever the versions


@dataclass(frozen=True)
class Declared:
    """One stage as DVC understands it, with `foreach` expanded.

    Attributes:
        title: what DVC calls it.
        command: its words.
        module: the module of `aepipe.stages` that it runs.
        reads: deps that are data.
        code: deps that are code.
        sections: paths into `params.yaml`.
        writes: outs, metrics and plots.
    """

    title: str
    command: list[str]
    module: str
    reads: set[str]
    code: set[str]
    sections: list[str]
    writes: set[str]

    @property
    def stage(self) -> Stage:
        return load_stage(self.module)

    @property
    def arguments(self):
        return parser(self.command[3:]).parse_args(self.command[3:])

    @property
    def name(self) -> str | None:
        return getattr(self.arguments, "name", None)


def declare(stage) -> Declared:
    command = shlex.split(stage.cmd)
    deps = {dep.def_path for dep in stage.deps if not hasattr(dep, "params")}
    code = {dep for dep in deps if dep.startswith("aepipe/") or dep == LOCK}
    return Declared(
        title=stage.name,
        command=command,
        module=command[command.index("stage") + 1],
        reads=deps - code,
        code=code,
        sections=[key for dep in stage.deps if hasattr(dep, "params") for key in dep.params],
        writes={out.def_path for out in stage.outs},
    )


def by_title(stages):
    return pytest.mark.parametrize("declared", stages, ids=lambda one: one.title)


with Repo(str(ROOT)) as repository:
    PIPELINE = list(repository.index.stages)
STAGES = [declare(stage) for stage in PIPELINE]
PARAMS = load_params(ROOT / "params.yaml")
IMPORTS = grimp.build_graph("aepipe", cache_dir=None)


def test_every_stage_is_a_module_and_every_module_a_stage():
    assert {one.module for one in STAGES} == set(stage_names())


@by_title(STAGES)
def test_stage_is_named_after_the_module_that_it_runs(declared):
    group, _, key = declared.title.partition("@")
    assert group == declared.module or group.startswith(f"{declared.module}-")
    assert declared.name == (key or None)


@by_title(STAGES)
def test_command_is_a_stage_of_aepipe_run_by_the_python_of_the_environment(declared):
    assert declared.command[:4] == ["python", "-m", "aepipe", "stage"]


@by_title(STAGES)
def test_command_reads_its_deps_and_writes_its_outs(declared):
    given = vars(declared.arguments)
    stage = declared.stage
    # the lock is a dep of every stage; one that shows the versions reads it, too
    assert {str(given[f.name]) for f in fields(stage.Inputs)} - {LOCK} == declared.reads
    assert {str(given[f.name]) for f in fields(stage.Outputs)} == declared.writes


@by_title(STAGES)
def test_dvc_watches_exactly_the_sections_that_the_stage_sees(declared):
    assert declared.sections == list(section_paths(declared.stage, declared.name).values())


@by_title(STAGES)
def test_every_watched_section_exists(declared):
    assert declared.sections
    for path in declared.sections:
        look_up(PARAMS, path)


@by_title(STAGES)
def test_code_deps_cover_everything_that_the_stage_imports(declared):
    imported = closure(declared)
    unseen = {m for m in imported if not any(covers(dep, m) for dep in declared.code)}
    assert {m for m in unseen - NO_RESULTS if not is_in("aepipe.params", m)} == set()


@by_title(STAGES)
def test_no_code_dep_is_there_without_being_imported(declared):
    """Else editing it would run the stage again for nothing."""
    imported = closure(declared)
    code = declared.code - {LOCK}
    assert {dep for dep in code if not any(covers(dep, m) for m in imported)} == set()


@by_title(STAGES)
def test_code_that_a_stage_depends_on_exists(declared):
    assert {dep for dep in declared.code if not (ROOT / dep).exists()} == set()


@by_title(STAGES)
def test_new_versions_of_libraries_are_a_reason_to_run_again(declared):
    assert (LOCK in declared.code) != (declared.module in WITHOUT_LOCK)


@pytest.mark.parametrize("stage", PIPELINE, ids=lambda stage: stage.name)
def test_every_output_is_cached(stage):
    """Each of these silently turns off reuse across machines."""
    assert [out.def_path for out in stage.outs if not out.use_cache or out.persist] == []
    assert not stage.always_changed
    assert not stage.frozen


@pytest.mark.parametrize("stage", PIPELINE, ids=lambda stage: stage.name)
def test_every_stage_says_what_it_does_and_where_it_runs(stage):
    assert stage.desc
    assert stage.meta["pool"] in {"cpu", "cuda"}


def test_lock_names_exact_versions_and_no_place():
    lines = (ROOT / LOCK).read_text().splitlines()
    pinned = [line for line in lines if not line.startswith("#")]
    assert len(pinned) > 100
    assert [
        line for line in pinned if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line)
    ] == []
    assert [line for line in lines if "://" in line] == []


def test_lock_holds_everything_that_the_project_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    ranges = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    asked = {re.split(r"[\[<>=!]", one)[0].lower() for one in ranges}
    pinned = {line.split("==")[0].lower() for line in (ROOT / LOCK).read_text().splitlines()}
    assert {"torch", "dvc", "mlflow", "prefect", "ruff"} <= asked
    assert asked - pinned == set()


def test_schema_is_the_one_that_the_types_give():
    committed = (ROOT / "params.schema.json").read_text()
    assert committed == json.dumps(params_schema(), indent=1) + "\n", "run `make schema`"


def test_editors_find_the_schema():
    first = (ROOT / "params.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=params.schema.json"


def closure(declared: Declared) -> set[str]:
    module = f"aepipe.stages.{declared.module}"
    return IMPORTS.find_upstream_modules(module) | {module}


def covers(dep: str, module: str) -> bool:
    return is_in(dep.removesuffix(".py").replace("/", "."), module)


def is_in(package: str, module: str) -> bool:
    return module == package or module.startswith(f"{package}.")
