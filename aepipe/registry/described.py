"""What ``reports/registered.json`` says about each model that is to be in the registry."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from aepipe.errors import ArtifactError
from aepipe.files import read_description
from aepipe.models.digest import model_digest
from aepipe.params.evaluation import Registry


@final
@dataclass(frozen=True, slots=True)
class Described:
    """One model as ``registered.json`` describes it.

    Attributes:
        name: under which it is registered.
        kind: ``encoder``, ``classifier`` or ``vae``.
        root: folder of the pipeline.
        folder: of the model, below ``root``.
        digest: checksum of its networks.
        metrics: what has been measured about it.
        dataset: ``dataset.json`` of the data that it was trained on.
    """

    name: str
    kind: str
    root: Path
    folder: str
    digest: str
    metrics: Mapping[str, Any]
    dataset: Mapping[str, Any]

    def require_files(self) -> Path:
        """Give the model's folder.

        Raises:
            ArtifactError: what lies there is another model than the one described.
        """
        folder = self.root / self.folder
        if model_digest(folder) != self.digest:
            raise ArtifactError(
                f"{folder}: not the model that registered.json describes; `dvc checkout` restores "
                "that one, `dvc repro register` describes this one"
            )
        return folder


def read_registered(path: Path, registry: Registry, root: Path) -> list[Described]:
    """Read what the ``register`` stage has written.

    Raises:
        ArtifactError: it is missing, damaged, or written for another ``registry`` section.
    """
    if not path.is_file():
        raise ArtifactError(f"{path}: no such file, so nothing to register; `dvc repro` makes it")
    content = read_description(path)
    models: dict[str, dict[str, Any]] = content["models"]
    described = {**models, **content["absent"]}  # what could not be trained is no other section
    written = {name: (entry["kind"], entry["folder"]) for name, entry in described.items()}
    declared = {name: (entry.kind, entry.model) for name, entry in registry.models.items()}
    if written != declared:
        raise ArtifactError(
            f"{path}: describes {', '.join(written)} for another `registry` section than that of "
            "params.yaml; `dvc repro register` writes it again"
        )
    return [
        Described(name=name, root=root, dataset=content["dataset"], **entry)
        for name, entry in models.items()
    ]
