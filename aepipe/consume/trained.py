"""A trained model with all that using it asks for: its network and how its data were scaled.

It lies in a folder with ``model/`` (``model.json``, ``weights.safetensors``), ``dataset/``
(``dataset.json``) and ``checksums.json``: what a registered version keeps as its artifacts.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import cast, final

from torch import nn

from aepipe.data.dataset import Dataset, open_dataset
from aepipe.errors import ArtifactError, InputError
from aepipe.files import FORMAT, digest_files, read_description, write_json
from aepipe.models.absent import absence
from aepipe.models.dense import Classifier
from aepipe.models.digest import MODEL_FILES
from aepipe.models.files import load_model
from aepipe.models.two_layer import TwoLayerVariational
from aepipe.models.vae import VariationalAutoencoder, VariationalNetwork

CHECKSUMS = "checksums.json"
FILES = (*(f"model/{name}" for name in MODEL_FILES), "dataset/dataset.json")


@final
@dataclass(frozen=True, slots=True)
class Trained:
    """A network and the data that it was trained on.

    Attributes:
        dataset: its description; samples are not there.
        network: in evaluation mode on the CPU.
    """

    dataset: Dataset
    network: nn.Module

    def classifier(self) -> Classifier:
        """Give the network, which has to be a classifier.

        Raises:
            InputError: it is none.
        """
        if not isinstance(self.network, Classifier):
            raise InputError(f"{self._called()} gives no probabilities; expected a classifier")
        return self.network

    def variational(self) -> VariationalNetwork:
        """Give the network, which has to have a prior to draw from.

        Raises:
            InputError: it has none.
        """
        if not isinstance(self.network, VariationalAutoencoder | TwoLayerVariational):
            raise InputError(f"{self._called()} has no prior; expected a variational network")
        return cast(VariationalNetwork, self.network)

    def _called(self) -> str:
        return f"a {type(self.network).__name__}"


def pack(source: Path, dataset: Path, folder: Path) -> None:
    """Lay down in ``folder`` what using a model takes, with its checksums.

    Args:
        source: folder of a trained model, as the pipeline writes it.
        dataset: ``dataset.json`` of the data that it was trained on.
        folder: is made.
    """
    for name in MODEL_FILES:
        target = folder / "model" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(network_folder(source) / name, target)
    (folder / "dataset").mkdir(exist_ok=True)
    shutil.copyfile(dataset, folder / "dataset" / "dataset.json")
    files = {name: digest_files(folder, [folder / name]) for name in FILES}
    write_json(folder / CHECKSUMS, {"format": FORMAT, "files": files})


def open_packed(folder: Path) -> Trained:
    """Open what :func:`pack` has laid down, once its bytes have been compared.

    Raises:
        ArtifactError: a file is missing, damaged, or not the one that was packed.
    """
    if not (folder / CHECKSUMS).is_file():
        raise ArtifactError(
            f"{folder / CHECKSUMS}: no such file, so nothing says whether the weights are right; "
            "register the model again with this version of aepipe"
        )
    recorded = read_description(folder / CHECKSUMS)["files"]
    for name in FILES:
        path = folder / name
        found = digest_files(folder, [path]) if path.is_file() else "no such file"
        if found != recorded.get(name):
            raise ArtifactError(
                f"{path}: checksum {found}, expected {recorded.get(name)}: not the file that was "
                "registered; restore it, or delete the version and `aepipe register` makes it again"
            )
    return Trained(open_dataset(folder / "dataset"), load_model(folder / "model"))


def open_trained(folder: Path, dataset: Path) -> Trained:
    """Open a model from the folder of a registered version, or from one of the pipeline's.

    Args:
        folder: with what :func:`pack` lays down, or with an ``MLmodel`` and that as its artifacts,
            or ``models/NAME``.
        dataset: folder of the dataset, which only a folder of the pipeline's needs.

    Raises:
        ArtifactError: it is none of these, or damaged.
    """
    if (folder / "MLmodel").is_file():
        return open_packed(folder / "artifacts")
    if (folder / CHECKSUMS).is_file():
        return open_packed(folder)
    reason = absence(folder)
    if reason is not None:
        raise ArtifactError(f"{folder}: holds no model, for {reason}")
    network = network_folder(folder)
    if not (network / "model.json").is_file():
        raise ArtifactError(
            f"{folder}: holds no model; expected models:/NAME@ALIAS, the folder of a registered "
            "version, or models/NAME of the pipeline"
        )
    return Trained(open_dataset(dataset), load_model(network))


def network_folder(folder: Path) -> Path:
    """Give where the network of a model lies that is to be used."""
    # of a classifier's folder the control from random weights is not for use
    finetuned = folder / "finetuned"
    return finetuned if finetuned.is_dir() else folder
