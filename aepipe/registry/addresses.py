"""Versions by the addresses that consumers use, and their files."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from aepipe.errors import RegistryError
from aepipe.tracking.server import tracking_uri

if TYPE_CHECKING:  # importing MLflow takes more than a second
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

REGISTRY = "models:/"
ADDRESS = re.compile(r"models:/(?P<name>[^@/]+)(?:@(?P<alias>[\w-]+)|/(?P<version>\d+))")


def find_version(client: "MlflowClient", address: str) -> "ModelVersion":
    """Give the version that ``models:/NAME@ALIAS`` or ``models:/NAME/VERSION`` stands for.

    Raises:
        RegistryError: it is no such address, or there is no such version.
    """
    from mlflow.exceptions import MlflowException

    found = ADDRESS.fullmatch(address)
    if found is None:
        raise RegistryError(
            f"{address!r}: expected models:/NAME@ALIAS or models:/NAME/VERSION, as in "
            "models:/aepipe-classifier@champion"
        )
    name, alias, number = found["name"], found["alias"], found["version"]
    try:
        if alias is not None:
            number = client.get_model_version_by_alias(name, alias).version
        return client.get_model_version(name, str(number))  # the former comes without its aliases
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise
        raise RegistryError(f"{address}: {_what_there_is(client, name)}") from None


def download(version: "ModelVersion", place: Path) -> Path:
    """Bring the files of a version into ``place``, and give their folder."""
    import mlflow

    mlflow.set_tracking_uri(tracking_uri())
    uri = f"{REGISTRY}{version.name}/{version.version}"
    return Path(mlflow.artifacts.download_artifacts(uri, dst_path=str(place)))


def _what_there_is(client: "MlflowClient", name: str) -> str:
    models = {each.name: each for each in client.search_registered_models()}
    if name not in models:
        return (
            f"no such model; there is {', '.join(models) or 'none; `aepipe register` makes them'}"
        )
    numbers = sorted(int(v.version) for v in client.search_model_versions(f"name = '{name}'"))
    aliases = ", ".join(f"@{a} (version {v})" for a, v in models[name].aliases.items())
    versions = ", ".join(map(str, numbers)) or "none"
    return f"no such version; there is {versions}; aliases {aliases or 'none'}"
