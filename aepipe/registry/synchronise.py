"""Bringing a model registry in line with what the pipeline has made, as often as one likes."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    exclusive,
    experiment_id,
    experiment_name,
    reached,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient

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
        with reached(), exclusive():
            experiment = experiment_id(client, experiment_name(registry.experiment))
            for model in models:
                monitor.remark(_register(client, experiment, model, registry.alias))
    except RegistryError as error:
        raise RegistryError(f"{error}; {again} registers once that is mended") from error


def _register(client: "MlflowClient", experiment: str, model: Described, alias: str) -> str:
    """Bring one model in line; aliases come last, so that they never point to half a version."""
    from aepipe.registry.gate import pass_gate  # and MLflow with it
    from aepipe.registry.moves import aliases
    from aepipe.registry.versions import require_version

    found = require_version(client, experiment, model)
    number = str(found.version.version)
    if aliases(client, model.name).get(alias) != number:
        client.set_registered_model_alias(model.name, alias, number)
    outcome = pass_gate(client, found.version, model)
    return f"{model.name}@{alias} is version {number}, which {found.done} and {outcome}"
