"""Versions of registered models, each known by the checksum of its bytes."""

from collections.abc import Mapping
from typing import Any

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from aepipe.params.load import read_yaml
from aepipe.registry.described import Described
from aepipe.tracking.facts import flattened, revision_tags

METRIC = "metric."
LOGGED = "models:/"  # and the id of the logged model: the source of every version made here


def require_version(client: MlflowClient, experiment: str, model: Described, alias: str) -> str:
    """Make sure that the registry has the model, under ``alias``, and say what was to be done.

    The alias is moved last, so that it never points to a version that is not complete.

    Args:
        client: of the registry.
        experiment: id of the experiment to which a new model is logged.
        model: what is wanted.
        alias: that its version is to carry.
    """
    version = _find(client, model)
    done = "was there"
    if version is None:
        version = _make(client, experiment, model)
        done = "is new"
    else:
        _renew_metrics(client, version, model)
    carrier = client.get_registered_model(model.name).aliases.get(alias)
    if str(carrier) != str(version.version):
        client.set_registered_model_alias(model.name, alias, version.version)
    return f"{model.name}@{alias} is version {version.version}, which {done}"


def _find(client: MlflowClient, model: Described) -> ModelVersion | None:
    """Give the newest version with the bytes of ``model`` whose files are still there."""
    wanted = f"name = '{model.name}' and tags.`aepipe.digest` = '{model.digest}'"
    found = sorted(client.search_model_versions(wanted), key=lambda each: -int(each.version))
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
    from aepipe.registry.publish import log_model  # and torch with it

    folder = model.require_files()
    tags = _tags(model)
    logged = log_model(client, experiment, model, folder)
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
        tags=tags,
    )


def _tags(model: Described) -> dict[str, str]:
    return {
        "aepipe.digest": model.digest,
        "aepipe.kind": model.kind,
        "aepipe.folder": model.folder,
        "aepipe.dataset_digest": str(model.dataset["digest"]),
        **_lock_tags(model),
        **revision_tags(model.root),
        **_metric_tags(model),
    }


def _lock_tags(model: Described) -> dict[str, str]:
    """Give the checksums by which ``dvc.lock`` knows the model and its data, if it does."""
    path = model.root / "dvc.lock"
    stages: Mapping[str, Any] = read_yaml(path)["stages"] if path.is_file() else {}
    known = {out["path"]: out["md5"] for stage in stages.values() for out in stage.get("outs", [])}
    wanted = (model.folder, "data/dataset")
    return {f"dvc.{path}": known[path] for path in wanted if path in known}


def _metric_tags(model: Described) -> dict[str, str]:
    return {f"{METRIC}{key}": value for key, value in flattened(model.metrics).items()}


def _renew_metrics(client: MlflowClient, version: ModelVersion, model: Described) -> None:
    """Put the figures right where the same bytes have been judged anew."""
    wanted = _metric_tags(model)
    known = {key: value for key, value in version.tags.items() if key.startswith(METRIC)}
    for key in known.keys() - wanted.keys():
        client.delete_model_version_tag(model.name, version.version, key)
    for key, value in wanted.items():
        if known.get(key) != value:
            client.set_model_version_tag(model.name, version.version, key, value)
