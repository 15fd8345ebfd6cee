"""What the registry keeps of a version."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

from aepipe.errors import RegistryError
from aepipe.registry.addresses import download, find_version
from aepipe.registry.lineage import LOCK, PARAMS, Step, chain, read_lock
from aepipe.registry.provenance import FOLDER

if TYPE_CHECKING:  # importing MLflow takes more than a second
    from mlflow import MlflowClient


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


def read_recorded(client: "MlflowClient", address: str, place: Path) -> Recorded:
    """Download what the registry keeps of a version into the empty folder ``place``.

    Raises:
        RegistryError: there is no such version, or it was registered without an origin.
    """
    version = find_version(client, address)
    files = download(version, place)
    recorded = Recorded(version.name, str(version.version), version.tags, files)
    kept = recorded.lock.is_file() and recorded.params.is_file()
    if not kept or "aepipe.folder" not in recorded.tags or not recorded.steps():
        raise RegistryError(
            f"{recorded.title}: was registered without a dvc.lock that leads to it, so nothing "
            "says how it came about; `dvc repro` and `aepipe register` make a version that does"
        )
    return recorded
