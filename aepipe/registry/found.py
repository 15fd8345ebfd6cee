"""Finding a version by the address that a consumer uses, and what the registry keeps of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

from aepipe.errors import RegistryError
from aepipe.registry.lineage import LOCK, PARAMS, Step, chain, read_lock
from aepipe.registry.provenance import FOLDER
from aepipe.tracking.server import tracking_uri

if TYPE_CHECKING:  # importing MLflow takes more than a second
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

ADDRESS = re.compile(r"models:/(?P<name>[^@/]+)(?:@(?P<alias>[\w-]+)|/(?P<version>\d+))")


@final
@dataclass(frozen=True, slots=True)
class Recorded:
    """A version with what was kept of its origin.

    Attributes:
        name: of the registered model.
        number: of the version.
        tags: of the version.
        files: all of the model's files, downloaded.
    """

    name: str
    number: str
    tags: Mapping[str, str]
    files: Path

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"{self.name} version {self.number}"

    @property
    def folder(self) -> str:
        """Folder of the model in a pipeline."""
        return self.tags["aepipe.folder"]

    @property
    def lock(self) -> Path:
        """The ``dvc.lock`` of its making."""
        return self.files / FOLDER / LOCK

    @property
    def params(self) -> Path:
        """The ``params.yaml`` of its making."""
        return self.files / FOLDER / PARAMS

    def steps(self) -> list[Step]:
        """Give the stages from the data to the model."""
        return chain(read_lock(self.lock), self.folder)


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


def read_recorded(client: "MlflowClient", address: str, place: Path) -> Recorded:
    """Download what the registry keeps of a version into the empty folder ``place``.

    Raises:
        RegistryError: there is no such version, or it was registered without an origin.
    """
    import mlflow

    version = find_version(client, address)
    mlflow.set_tracking_uri(tracking_uri())
    uri = f"models:/{version.name}/{version.version}"
    files = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=str(place)))
    recorded = Recorded(version.name, str(version.version), version.tags, files)
    kept = recorded.lock.is_file() and recorded.params.is_file()
    if not kept or "aepipe.folder" not in recorded.tags or not recorded.steps():
        raise RegistryError(
            f"{recorded.title}: was registered without a dvc.lock that leads to it, so nothing "
            "says how it came about; `dvc repro` and `aepipe register` make a version that does"
        )
    return recorded


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
