"""Running one stage from its command line: params in, outputs whole or absent."""

import argparse
import pkgutil
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, final

from aepipe import stages
from aepipe.errors import ParamsError
from aepipe.files import all_or_nothing
from aepipe.intact import require_intact
from aepipe.monitor import Monitor
from aepipe.params.load import load_params
from aepipe.params.root import Params
from aepipe.signature import (
    Stage,
    as_stage,
    collect,
    instance_field,
    section_paths,
    takes_name,
)


@final
@dataclass(frozen=True, slots=True)
class Call:
    """One stage as its command line asks for it.

    Attributes:
        stage: the module.
        title: what DVC calls it: ``pca``, ``pretrain@first``.
        experiment: name under which runs are tracked; it never changes a result.
        params: filled from ``params.yaml``.
        inputs: paths that it reads.
        outputs: paths under which its results end up.
    """

    stage: Stage
    title: str
    experiment: str
    params: Any
    inputs: Any
    outputs: Any


class Watch(Protocol):
    """Opens what listens to a call, for as long as the call runs."""

    def __call__(self, call: Call, outputs: Any) -> AbstractContextManager[Monitor]:
        """Give the monitor of ``call``, whose results lie in ``outputs`` when the block ends."""
        ...


class Finish(Protocol):
    """Does what a stage asks of the world once its outputs are complete but not yet in place."""

    def __call__(self, call: Call, outputs: Any) -> None:
        """Act on ``outputs``; raising keeps them from being put in place."""
        ...


def stage_names() -> list[str]:
    """Names of all stages, which are the modules of ``aepipe.stages``."""
    return sorted(module.name for module in pkgutil.iter_modules(stages.__path__))


def load_stage(name: str) -> Stage:
    """Import one stage and nothing of the others, so that a stage pays for what it needs."""
    return as_stage(import_module(f"aepipe.stages.{name}"))


def parse_call(stage_name: str, arguments: argparse.Namespace) -> Call:
    """Fill a stage's dataclasses from ``params.yaml`` and the command line.

    Raises:
        ParamsError: ``params.yaml`` is wrong, or has no instance of the given name.
    """
    stage = load_stage(stage_name)
    name = arguments.name if takes_name(stage) else None
    whole = load_params(arguments.params)
    values = {key: look_up(whole, path) for key, path in section_paths(stage, name).items()}
    field = instance_field(stage)
    if field is not None:
        values[field] = name
    return Call(
        stage=stage,
        title=f"{stage_name}@{name}" if name else stage_name,
        experiment=whole.registry.experiment,
        params=stage.Params(**values),
        inputs=collect(stage.Inputs, arguments),
        outputs=collect(stage.Outputs, arguments),
    )


def look_up(params: Params, path: str) -> Any:
    """Follow a dotted path through the sections.

    Raises:
        ParamsError: a key of it does not exist.
    """
    value: Any = params
    for key in path.split("."):
        keys = value if isinstance(value, dict) else type(value).model_fields
        if key not in keys:
            raise ParamsError(f"params.yaml: no {path}; there is {', '.join(keys)}")
        value = value[key] if isinstance(value, dict) else getattr(value, key)
    return value


def run_call(call: Call, watch: Watch, finish: Finish) -> None:
    """Run a stage; its outputs appear under their names when all of it has succeeded."""
    names = [f.name for f in fields(call.outputs)]
    targets: list[Path] = [getattr(call.outputs, name) for name in names]
    require_intact([getattr(call.inputs, f.name) for f in fields(call.inputs)])
    with all_or_nothing(targets) as lent:
        outputs = type(call.outputs)(**dict(zip(names, lent, strict=True)))
        with watch(call, outputs) as monitor:
            call.stage.run(call.params, call.inputs, outputs, monitor)
        finish(call, outputs)
    monitor.settled()
