"""The signature of a stage: dataclasses from which its command line and its params are read."""

import argparse
import types
from collections.abc import Callable
from dataclasses import Field, field, fields
from pathlib import Path
from typing import Any, Protocol, cast

from aepipe.monitor import Monitor


class Stage(Protocol):
    """A module of ``aepipe.stages``: three frozen dataclasses and the function over them."""

    Params: type[Any]
    Inputs: type[Any]
    Outputs: type[Any]
    run: Callable[[Any, Any, Any, Monitor], None]


def section(path: str) -> Any:
    """Declare a field of ``Params`` that is read from ``path`` in ``params.yaml``.

    Args:
        path: dotted keys; ``{name}`` in it stands for the instance of a ``foreach`` stage
            (the layer, the model). A field without a path is read from the key of its own name.
    """
    return field(metadata={"path": path})


def instance() -> Any:
    """Declare a field of ``Params`` that holds the instance's name itself."""
    return field(metadata={"path": None})


def section_paths(stage: Stage, name: str | None) -> dict[str, str]:
    """Give the dotted path in ``params.yaml`` for each field that is read from there."""
    paths = {f.name: _path(f) for f in fields(stage.Params)}
    return {key: path.format(name=name) for key, path in paths.items() if path is not None}


def instance_field(stage: Stage) -> str | None:
    """Give the field of ``Params`` that holds the instance's name, if there is one."""
    return next((f.name for f in fields(stage.Params) if _path(f) is None), None)


def takes_name(stage: Stage) -> bool:
    """Say whether the stage has instances, so that its command needs ``--name``."""
    paths = [_path(f) for f in fields(stage.Params)]
    return any(path is None or "{name}" in path for path in paths)


def add_arguments(parser: argparse.ArgumentParser, stage: Stage) -> None:
    """Give ``parser`` one required option for each input and output of ``stage``."""
    if takes_name(stage):
        parser.add_argument(
            "--name", required=True, help="instance of the stage: the key it has in params.yaml"
        )
    for what, paths in (("read", stage.Inputs), ("written", stage.Outputs)):
        for f in fields(paths):
            flag = "--" + f.name.replace("_", "-")
            parser.add_argument(flag, type=Path, required=True, help=f"path that is {what}")


def collect(paths: type[Any], arguments: argparse.Namespace) -> Any:
    """Fill the dataclass ``paths`` from parsed ``arguments``."""
    return paths(**{f.name: getattr(arguments, f.name) for f in fields(paths)})


def as_stage(module: types.ModuleType) -> Stage:
    """Take ``module`` for the stage it is."""
    return cast(Stage, module)


def _path(declared: Field[Any]) -> str | None:
    path: str | None = declared.metadata.get("path", declared.name)
    return path
