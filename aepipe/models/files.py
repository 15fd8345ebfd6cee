"""Trained networks on disk: ``model.json`` says what to build, ``weights.safetensors`` fills it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from aepipe.errors import ArtifactError
from aepipe.files import FORMAT, read_description, write_json
from aepipe.models.convolutional import ConvolutionalAutoencoder
from aepipe.models.dense import Classifier, DeepAutoencoder, DenseLayer, TiedAutoencoder
from aepipe.models.k_sparse import KSparse
from aepipe.models.rbm import RestrictedBoltzmannMachine
from aepipe.models.two_layer import TwoLayerVariational
from aepipe.models.vae import VariationalAutoencoder

CLASSES: Mapping[str, Callable[..., nn.Module]] = {
    "layer": DenseLayer,
    "deep": DeepAutoencoder,
    "tied": TiedAutoencoder,
    "classifier": Classifier,
    "convolutional": ConvolutionalAutoencoder,
    "k_sparse": KSparse,
    "rbm": RestrictedBoltzmannMachine,
    "variational": VariationalAutoencoder,
    "two_layer_variational": TwoLayerVariational,
}


@final
@dataclass(frozen=True, slots=True)
class Blueprint:
    """What a network is built from: a key of :data:`CLASSES` and its constructor's arguments.

    An argument ``network`` is the blueprint of a network inside, as :meth:`nested` gives it.
    """

    kind: str
    arguments: Mapping[str, Any]

    def nested(self) -> dict[str, Any]:
        """Give it as an argument of another blueprint, in types that JSON has."""
        return {"kind": self.kind, "arguments": dict(self.arguments)}

    def inside(self) -> "Blueprint":
        """Give the innermost blueprint: its own, where it has no ``network``."""
        if "network" not in self.arguments:
            return self
        return Blueprint(**self.arguments["network"]).inside()


def construct(blueprint: Blueprint) -> nn.Module:
    """Build the network with fresh weights from torch's current generator."""
    arguments = dict(blueprint.arguments)
    if "network" in arguments:
        arguments["network"] = construct(Blueprint(**arguments["network"]))
    return CLASSES[blueprint.kind](**arguments)


def save_model(
    folder: Path, blueprint: Blueprint, model: nn.Module, facts: Mapping[str, Any]
) -> None:
    """Write ``model.json`` and ``weights.safetensors``; equal models give equal bytes.

    Args:
        folder: made if it is not there.
        blueprint: from which ``model`` was built.
        model: on any device.
        facts: further entries of ``model.json``, such as the layer below.
    """
    folder.mkdir(parents=True, exist_ok=True)
    described = {"format": FORMAT, "kind": blueprint.kind, "arguments": dict(blueprint.arguments)}
    write_json(folder / "model.json", {**described, **facts})
    weights = model.state_dict()
    save_file({k: v.cpu().contiguous() for k, v in weights.items()}, folder / "weights.safetensors")


def load_model(folder: Path) -> nn.Module:
    """Build the network that ``folder`` describes, in evaluation mode on the CPU.

    Raises:
        ArtifactError: a file is missing, damaged, or does not fit the other.
    """
    described = read_description(folder / "model.json")
    kind = str(described.get("kind"))
    if kind not in CLASSES:
        raise ArtifactError(
            f"{folder / 'model.json'}: unknown kind {kind!r}; expected one of {', '.join(CLASSES)}"
        )
    path = folder / "weights.safetensors"
    try:
        with torch.device("meta"):  # weights come from the file: drawing fresh ones costs time
            model = construct(Blueprint(kind, described["arguments"]))
        model.load_state_dict(load_file(path), assign=True)
    except FileNotFoundError:
        raise ArtifactError(f"{path}: no such file; `dvc checkout` restores it") from None
    except (SafetensorError, RuntimeError, KeyError, TypeError) as error:
        raise ArtifactError(
            f"{path}: does not fit model.json beside it ({error}); `dvc checkout` restores both"
        ) from None
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return model.eval()
