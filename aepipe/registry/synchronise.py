"""Bringing a model registry in line with what the pipeline has made, as often as one likes."""

from pathlib import Path
from typing import Any

from aepipe.command import Call
from aepipe.console import ConsoleMonitor
from aepipe.errors import RegistryError
from aepipe.monitor import Monitor
from aepipe.params.evaluation import Registry
from aepipe.registry.described import Described, read_registered
from aepipe.tracking.send import send_pending
from aepipe.tracking.server import (
    allow_transfers,
    connect,
    experiment_id,
    experiment_name,
    reached,
)

REGISTERED = Path("reports/registered.json")


def register_outputs(call: Call, outputs: Any) -> None:
    """Register what the ``register`` stage describes; of other stages there is nothing to do.

    Raises:
        RegistryError: the registry can't be reached, or refuses; the stage then fails.
    """
    if call.title != "register":
        return
    root = Path()
    registry: Registry = call.params.registry
    models = read_registered(outputs.registered, registry, root)
    _require(models, registry, ConsoleMonitor(), "`dvc repro register`")


def synchronise(registry: Registry, root: Path, monitor: Monitor) -> None:
    """Bring the registry in line with ``reports/registered.json``, and send runs that wait.

    Args:
        registry: what ``params.yaml`` declares.
        root: folder of the pipeline.
        monitor: is told about each model.

    Raises:
        ArtifactError: the pipeline has not been run, or not with this declaration.
        RegistryError: the registry can't be reached, or refuses.
    """
    models = read_registered(root / REGISTERED, registry, root)
    _require(models, registry, monitor, "`aepipe register`")


def _require(models: list[Described], registry: Registry, monitor: Monitor, again: str) -> None:
    try:
        client = connect()
        allow_transfers()
        for problem in send_pending(client):
            monitor.warn(problem)
        from aepipe.registry.versions import require_version  # and MLflow with it

        with reached():
            experiment = experiment_id(client, experiment_name(registry.experiment))
            for model in models:
                monitor.remark(require_version(client, experiment, model, registry.alias))
    except RegistryError as error:
        raise RegistryError(f"{error}; {again} registers once that is mended") from error
