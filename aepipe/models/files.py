"""Trained networks on disk: ``model.json`` says what to build, ``weights.safetensors`` fills it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from aepipe.errors import ArtifactError
from aepipe.files import FORMAT, read_description, write_json
from aepipe.models.convolutional import ConvolutionalAutoencoder
from aepipe.models.dense import Classifier, DeepAutoencoder, DenseLayer, TiedAutoencoder
from aepipe.models.k_sparse import KSparse
from aepipe.models.lstm import LstmAutoencoder
from aepipe.models.rbm import RestrictedBoltzmannMachine
from aepipe.models.transformer import TransformerAutoencoder
from aepipe.models.two_layer import TwoLayerVariational
from aepipe.models.vae import VariationalAutoencoder

CLASSES: Mapping[str, Callable[..., nn.Module]] = {
    "layer": DenseLayer,
    "deep": DeepAutoencoder,
    "tied": TiedAutoencoder,
    "classifier": Classifier,
    "convolutional": ConvolutionalAutoencoder,
    "k_sparse": KSparse,
    "lstm": LstmAutoencoder,
    "transformer": TransformerAutoencoder,
    "rbm": RestrictedBoltzmannMachine,
    "variational": VariationalAutoencoder,
    "two_layer_variational": TwoLayerVariational,
}

LONGEST = 200  # characters of torch's reasons, which go through all weights
# What building a network from arguments that are none, or filling it with other weights, raises.
UNFIT = (
    SafetensorError, RuntimeError, OSError, LookupError, TypeError, ValueError, AttributeError,
    ArithmeticError, AssertionError,
)  # fmt: skip


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
        weights = load_file(path)
        _require_usable(path, weights, model)
        model.load_state_dict(weights, assign=True)
    except FileNotFoundError:
        raise ArtifactError(f"{path}: no such file; `dvc checkout` restores it") from None
    except UNFIT as error:
        reason = " ".join(str(error).split())[:LONGEST]
        raise ArtifactError(
            f"{path}: does not fit model.json beside it ({reason}); `dvc checkout` restores both"
        ) from None
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return model.eval()


def _require_usable(path: Path, weights: Mapping[str, Tensor], model: nn.Module) -> None:
    """Hold that weights are finite numbers in the precision of the network.

    Raises:
        ArtifactError: they are not.
    """
    for name, expected in model.state_dict().items():
        found = weights.get(name)
        if found is None:
            continue  # load_state_dict names all that are missing
        if found.dtype != expected.dtype:
            raise ArtifactError(
                f"{path}: {name} is of type {found.dtype}; expected {expected.dtype}; "
                "`dvc checkout` restores it"
            )
        if not bool(found.isfinite().all()):
            raise ArtifactError(
                f"{path}: {name} holds NaN or infinite values, with which nothing can be computed; "
                "`dvc checkout` restores it"
            )
