"""Anything that turns samples into codes: raw features, PCA, trained networks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, cast, final

import torch
from torch import Tensor, nn

from aepipe.data.dataset import open_dataset
from aepipe.evaluation.pca import PCA, load_pca
from aepipe.files import read_description
from aepipe.models.absent import absence
from aepipe.models.dense import Classifier
from aepipe.models.files import load_model
from aepipe.models.repeats import repeat_folder
from aepipe.models.stack import load_stack, unroll

Map = Callable[[Tensor], Tensor]


class Network(Protocol):
    """What every autoencoder of ``aepipe.models`` has."""

    code_size: int

    def encode(self, x: Tensor) -> Tensor:
        """Give the code."""
        ...

    def decode(self, code: Tensor) -> Tensor:
        """Give the raw output."""
        ...

    def mean(self, raw: Tensor) -> Tensor:
        """Turn the raw output into the units of the input."""
        ...


@final
@dataclass(frozen=True, slots=True)
class Attribute:
    """Something that samples can be asked for, with the classifier that a network was held to.

    Attributes:
        groups: names of the dataset's classes, by the name of their group.
        classify: from scaled samples ``(n, *shape)`` to logits ``(n, groups)``.
    """

    groups: Mapping[str, Sequence[str]]
    classify: Map


@final
@dataclass(frozen=True, slots=True)
class Representation:
    """One representation of the samples.

    Attributes:
        name_suffix: distinguishes several from one folder (``_24`` of PCA with 24 components); else
            empty.
        code_size: features of a code.
        encode: from scaled samples ``(n, *shape)`` float32 to codes ``(n, code_size)``.
        decode: from codes to expected samples ``(n, *shape)``, scaled; None where there is no way
            back.
        heads: by name, from scaled samples to logits ``(n, classes)``.
        attributes: of a semi-adversarial network, what it keeps and what it hides.
        network: what the maps are of, where it is one network; likelihoods need more than maps.
        parameters: numbers that were learned, those of heads included.
        multiply_adds: by which one sample is encoded, where that is not done by ``network``.
    """

    name_suffix: str
    code_size: int
    encode: Map
    decode: Map | None
    heads: Mapping[str, Map] = field(default_factory=dict)
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    network: nn.Module | None = None
    parameters: int = 0
    multiply_adds: int = 0


def load_representations(folder: Path, number: int = 1) -> list[Representation]:
    """Read what ``folder`` holds: a dataset, PCA, a stack, a classifier or one trained network.

    A folder that says why it holds no model has no representation.

    Args:
        folder: that a stage has written.
        number: of the training (:mod:`aepipe.models.repeats`).

    Raises:
        ArtifactError: it holds none of these, or a damaged one.
    """
    if (folder / "dataset.json").is_file():
        return [_raw(folder)]
    if absence(folder) is not None:
        return []
    if (folder / "finetuned" / "model.json").is_file():
        return [_classifier(repeat_folder(folder, number))]
    if not (folder / "model.json").is_file():
        return [_stack(folder, number)]
    described = read_description(folder / "model.json")
    if described.get("kind") == "pca":
        pca = load_pca(folder)
        return [_pca(pca, size) for size in pca.code_sizes]
    folder = repeat_folder(folder, number)
    attributes = {
        name: Attribute(groups, cast(Classifier, load_model(folder / name)))
        for name, groups in described.get("attributes", {}).items()
    }
    return [replace(_network(load_model(folder)), attributes=attributes)]


def _raw(folder: Path) -> Representation:
    size = open_dataset(folder).size
    return Representation("", size, lambda x: x.flatten(1), None)


def _pca(pca: PCA, size: int) -> Representation:
    return Representation(
        f"_{size}",
        size,
        lambda x: torch.from_numpy(pca.encode(x.detach().numpy(), size)),
        lambda codes: torch.from_numpy(pca.decode(codes.numpy())),
        parameters=(size + 1) * len(pca.mean),  # the components and the mean
        multiply_adds=size * len(pca.mean),
    )


def _stack(folder: Path, number: int) -> Representation:
    _, model = unroll(load_stack(folder, number))
    return _network(model)


def _classifier(folder: Path) -> Representation:
    heads = {name: cast(Classifier, load_model(folder / name)) for name in ("finetuned", "control")}
    finetuned = heads["finetuned"]
    return Representation(
        "",
        finetuned.code_size,
        finetuned.encode,
        None,
        heads,
        network=finetuned,
        parameters=_size(finetuned),
    )


def _network(model: nn.Module) -> Representation:
    network = cast(Network, model.eval().requires_grad_(False))
    return Representation(
        "",
        network.code_size,
        network.encode,
        lambda codes: network.mean(network.decode(codes)),
        network=model,
        parameters=_size(model),
    )


def _size(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())
