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
        metrics: what has been measured about it, by entry and figure.
        intervals: the same with ``low`` and ``high``.
        baselines: by entry, ``metrics`` and ``intervals`` of what it stands beside.
        against_pca: paired differences from PCA of the same size, by entry.
        gates: ``conditions``, ``verdicts`` of those that need no registry, and ``against_champion``
            what is to be held against the champion of one.
        dataset: ``dataset.json`` of the data that it was trained on.
        test: on what it was judged: ``samples``, ``confidence`` of the intervals.
    """

    name: str
    kind: str
    root: Path
    folder: str
    digest: str
    metrics: Mapping[str, Any]
    intervals: Mapping[str, Any]
    baselines: Mapping[str, Any]
    against_pca: Mapping[str, Any]
    gates: Mapping[str, Any]
    dataset: Mapping[str, Any]
    test: Mapping[str, Any]

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
    gates = {name: [str(each) for each in registry.gates.get(name, ())] for name in models}
    if written != declared or gates != {
        n: e.get("gates", {}).get("conditions") for n, e in models.items()
    }:
        raise ArtifactError(
            f"{path}: describes {', '.join(written)} for another `registry` section than that of "
            "params.yaml; `dvc repro register` writes it again"
        )
    about = {"root": root, "dataset": content["dataset"], "test": content["test"]}
    return [Described(name=name, **about, **entry) for name, entry in models.items()]
