"""Experiment files: what differs from ``params.yaml``, and what a reader wants to know first."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, final

from pydantic import Field, model_validator

from aepipe.errors import ParamsError
from aepipe.experiments.claims import Claim, Order
from aepipe.params.base import Name, Section, Sequence
from aepipe.params.load import read_yaml, validate
from aepipe.params.root import Params
from aepipe.params.text import as_yaml

FOLDER = Path("experiments")
REPLACED = ("models", "stack.layers", "sweep")  # lists of entries, whose keys are names


@final
class About(Section):
    """What a person wants to know before running an experiment."""

    title: str
    source: str
    """Paper, with table or section; or why the experiment exists."""
    targets: Sequence[str]
    """Stages to bring up to date with all that they need, as ``dvc repro`` takes them; all stages
    where there are none."""
    cost: str
    """Time, and on what machine."""
    expected: str
    """Figures, where from, and how the protocol differs."""


@final
class Experiment(Section):
    """One file of the folder ``experiments``."""

    experiment: About
    params: dict[str, Any]
    """What differs from ``params.yaml``; see :func:`merged`."""
    figures: dict[Name, Claim] = Field(default_factory=dict)
    """What it is run for, as ``aepipe experiment table`` shows it."""

    @model_validator(mode="after")
    def _orders_name_figures(self) -> Self:
        problems = [
            f".figures.{key}.reference.than = {claim.reference.than!r}: no other figure of this "
            f"experiment; expected one of {', '.join(self.figures)}"
            for key, claim in self.figures.items()
            if isinstance(claim.reference, Order)
            and (claim.reference.than == key or claim.reference.than not in self.figures)
        ]
        if problems:
            raise ValueError("\n".join(problems))
        return self


def experiment_names(folder: Path) -> list[str]:
    """Names of all experiments in ``folder``, which are those of their files."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def read_experiment(folder: Path, name: str) -> Experiment:
    """Read ``NAME.yaml``.

    Raises:
        ParamsError: there is none, or it is no experiment.
    """
    path = folder / f"{name}.yaml"
    if not path.is_file():
        there = ", ".join(experiment_names(folder)) or "none"
        raise ParamsError(f"{path}: no such experiment; there is {there}")
    experiment: Experiment = validate(Experiment, read_yaml(path), str(path))
    return experiment


def experiment_params(experiment: Experiment, params: Path, where: str) -> tuple[str, Params]:
    """Put an experiment over the file ``params``: the whole as YAML text, and checked.

    Args:
        experiment: read from its file.
        params: usually ``params.yaml``.
        where: what messages call the whole.

    Raises:
        ParamsError: the whole is wrong; with every problem.
    """
    raw = merged(read_yaml(params), experiment.params)
    checked: Params = validate(Params, raw, where)
    return as_yaml(raw), checked


def merged(base: Any, changes: Any, at: str = "") -> Any:
    """Put ``changes`` over ``base``.

    Mappings are merged key by key and anything else is replaced. Replaced whole are also a mapping
    whose ``kind`` changes, for another kind has other keys, and :data:`REPLACED`.
    """
    if not isinstance(base, Mapping) or not isinstance(changes, Mapping) or at in REPLACED:
        return changes
    if "kind" in changes and changes["kind"] != base.get("kind"):
        return changes
    result = dict(base)
    for key, change in changes.items():
        inner = f"{at}.{key}" if at else str(key)
        result[key] = merged(base[key], change, inner) if key in base else change
    return result
