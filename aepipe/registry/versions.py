"""Versions of registered models, each known by the checksum of its bytes."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import final

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from aepipe.registry.card import DESCRIPTION_LENGTH, model_card
from aepipe.registry.described import Described
from aepipe.registry.provenance import (
    FOLDER,
    INTERVAL,
    METRIC,
    Provenance,
    figure_tags,
    trace,
)

LOGGED = "models:/"  # and the id of the logged model: the source of every version made here
CARD = "README.md"


@final
@dataclass(frozen=True, slots=True)
class Found:
    """A version that is whole.

    Attributes:
        version: as the registry has it.
        done: what was to be done for it.
    """

    version: ModelVersion
    done: str


def require_version(client: MlflowClient, experiment: str, model: Described) -> Found:
    """Make sure that the registry has the model, whole, and only once; aliases are left alone.

    Args:
        client: of the registry.
        experiment: id of the experiment to which a new model is logged.
        model: what is wanted.
    """
    version = find_version(client, model)
    if version is not None:
        renewed = _renew_figures(client, version, model)
        return Found(version, "was there, and has new figures" if renewed else "was there")
    made = _make(client, experiment, model)
    # whoever registers the same bytes at the same time sees the same, and keeps the same one
    first = find_version(client, model)
    if first is not None and first.version != made.version:
        client.delete_model_version(model.name, made.version)
        client.delete_logged_model(str(made.source).removeprefix(LOGGED))
        return Found(first, "was made by another at the same time")
    return Found(made, "is new")


def find_version(client: MlflowClient, model: Described) -> ModelVersion | None:
    """Give the oldest version with the bytes of ``model`` whose files are still there."""
    wanted = f"name = '{model.name}' and tags.`aepipe.digest` = '{model.digest}'"
    found = sorted(client.search_model_versions(wanted), key=lambda each: int(each.version))
    return next((version for version in found if _has_files(client, version)), None)


def _has_files(client: MlflowClient, version: ModelVersion) -> bool:
    source = version.source or ""
    if not source.startswith(LOGGED):
        return True  # registered by another hand, so not ours to doubt
    try:
        logged = client.get_logged_model(source.removeprefix(LOGGED))
        return bool(client.list_logged_model_artifacts(logged.model_id))
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return False


def _make(client: MlflowClient, experiment: str, model: Described) -> ModelVersion:
    """Log the model with all that is kept with it; then, in one step, make it a version."""
    from aepipe.registry.publish import log_model, training_run  # and torch with it

    folder = model.require_files()
    provenance = trace(model, _device(client, training_run(client, experiment, model.digest)))
    card = model_card(model, provenance)
    logged = log_model(client, experiment, model, folder)
    client.log_model_params(logged.model_id, provenance.params)
    _keep_files(client, logged.model_id, provenance, card)
    try:
        client.create_registered_model(model.name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    return client.create_model_version(
        model.name,
        source=f"{LOGGED}{logged.model_id}",
        run_id=logged.source_run_id,
        model_id=logged.model_id,
        tags=provenance.tags,
        description=shortened(card),
    )


def _device(client: MlflowClient, run: str | None) -> str:
    """Give the device on which a run trained; results hold no trace of it."""
    return str(client.get_run(run).data.tags.get("aepipe.device", "unknown")) if run else "unknown"


def _keep_files(client: MlflowClient, model_id: str, provenance: Provenance, card: str) -> None:
    """Put the recipe and the card beside the model's other files."""
    with TemporaryDirectory() as place:
        folder = Path(place, FOLDER)
        folder.mkdir()
        for name, text in provenance.files.items():
            (folder / name).write_text(text, encoding="utf-8")
        Path(place, CARD).write_text(card, encoding="utf-8")
        client.log_model_artifacts(model_id, place)


def shortened(card: str) -> str:
    """Cut a card to what a registry keeps of a description; the whole is among the files."""
    rest = f"\n\n(more in {CARD} among the model's files)"
    if len(card) <= DESCRIPTION_LENGTH:
        return card
    return card[: DESCRIPTION_LENGTH - len(rest)].rpartition("\n")[0] + rest


def _renew_figures(client: MlflowClient, version: ModelVersion, model: Described) -> bool:
    """Put the figures right where the same bytes have been judged anew; say whether they were."""
    wanted = figure_tags(model)
    known = {k: v for k, v in version.tags.items() if k.startswith((METRIC, INTERVAL))}
    if known == wanted:
        return False
    # first, for the tags say whether all of this is still to be done
    card = model_card(model, trace(model, version.tags.get("aepipe.device", "unknown")))
    client.update_model_version(model.name, version.version, shortened(card))
    for key in known.keys() - wanted.keys():
        client.delete_model_version_tag(model.name, version.version, key)
    for key, value in wanted.items():
        if known.get(key) != value:
            client.set_model_version_tag(model.name, version.version, key, value)
    return True
