"""Say which models are registered, and what each of them is.

The file names no version: the registry, which ``aepipe register`` brings in line with it, may be
another one on another machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aepipe.errors import ContractError
from aepipe.files import FORMAT, read_description, read_json, write_json
from aepipe.models.absent import absence
from aepipe.models.digest import model_digest
from aepipe.monitor import Monitor
from aepipe.params.evaluation import Registry
from aepipe.signature import section


@dataclass(frozen=True, slots=True)
class Params:
    """Sections of params.yaml that the stage reads."""

    registry: Registry
    representations: dict[str, str] = section("evaluate.representations")


@dataclass(frozen=True, slots=True)
class Inputs:
    """The folder of all models, the figures about them, the data they were trained on."""

    models: Path
    metrics: Path
    dataset: Path


@dataclass(frozen=True, slots=True)
class Outputs:
    """Registered names, each with the kind, folder, checksum and figures of its model.

    And those of models that were not trained, each with the reason.
    """

    registered: Path


def run(params: Params, inputs: Inputs, outputs: Outputs, monitor: Monitor) -> None:
    """Describe each model that ``params.registry`` names.

    Raises:
        ContractError: ``metrics.json`` lacks a model that the declaration has judged.
    """
    figures = read_json(inputs.metrics)["representations"]
    models: dict[str, Any] = {}
    absent: dict[str, Any] = {}
    for name, registered in params.registry.models.items():
        entry = Path(registered.model).name
        folder = inputs.models / entry
        reason = absence(folder)
        if reason is not None:
            described = {"kind": registered.kind, "folder": registered.model, "reason": reason}
            absent[name] = described
            monitor.remark(f"{name}: not registered, for {reason}")
            continue
        where = params.representations.items()
        judged = [name for name, path in where if path == registered.model]
        if not judged and entry in figures:  # an entry of `models` is judged under its own name
            judged = [entry]
        models[name] = {
            "kind": registered.kind,
            "folder": registered.model,
            "digest": model_digest(folder),
            "metrics": {entry: _figures(figures, entry, inputs.metrics) for entry in judged},
        }
        monitor.remark(f"{name}: the {registered.kind} of {registered.model}")
    dataset = read_description(inputs.dataset / "dataset.json")  # shape and scaling of the input
    content = {"format": FORMAT, "dataset": dataset, "models": models, "absent": absent}
    write_json(outputs.registered, content)


def _figures(figures: Mapping[str, Any], entry: str, path: Path) -> Any:
    if entry not in figures:
        raise ContractError(
            f"{path}: no figures of {entry!r}, only of {', '.join(figures) or 'nothing'}; "
            "`dvc repro compare` makes them again"
        )
    return figures[entry]
