"""The stack of greedily trained layers, read from disk and unrolled."""

from dataclasses import dataclass
from pathlib import Path
from typing import assert_never, final

import torch
from torch import Tensor

from aepipe.errors import ArtifactError
from aepipe.files import read_description
from aepipe.models.build.unrolled import unrolled_blueprint
from aepipe.models.dense import DeepAutoencoder, DenseLayer
from aepipe.models.files import Blueprint, construct, load_model
from aepipe.models.k_sparse import KSparse
from aepipe.models.perceptron import linears
from aepipe.models.rbm import RestrictedBoltzmannMachine
from aepipe.models.repeats import repeat_folder

Layer = DenseLayer | RestrictedBoltzmannMachine
Affine = tuple[Tensor, Tensor]  # weight ``(out, in)`` and bias ``(out,)``


@final
@dataclass(frozen=True, slots=True)
class Stack:
    """Trained layers, bottom first, each with its blueprint.

    Attributes:
        shape: of one sample of the dataset.
        blueprints: one per layer.
        layers: one per layer, in evaluation mode; what makes a code sparse is in the blueprint.
    """

    shape: tuple[int, ...]
    blueprints: list[Blueprint]
    layers: list[Layer]


def load_stack(folder: Path, number: int = 1) -> Stack:
    """Read every layer in ``folder``; each names the one below, which gives their order.

    Args:
        folder: of all layers.
        number: of the training.

    Raises:
        ArtifactError: there is none, or they do not form one chain: a layer that ``params.yaml``
            no longer declares is still there.
    """
    trained = {path.parent.name: repeat_folder(path.parent, number) for path in _layers(folder)}
    described = {name: read_description(path / "model.json") for name, path in trained.items()}
    above = {facts["below"]: name for name, facts in described.items()}
    order: list[str] = []
    below: str | None = None
    while below in above:
        below = above[below]
        order.append(below)
    if not order or len(order) != len(described):
        extra = sorted(set(described) - set(order))
        raise ArtifactError(
            f"{folder}: {sorted(described)} do not form one chain of layers, only {order} do; "
            "remove what params.yaml no longer declares: "
            f"rm -r {' '.join(f'{folder}/{name}' for name in extra)}"
        )
    return Stack(
        shape=tuple(described[order[0]]["shape"]),
        blueprints=[
            Blueprint(described[name]["kind"], described[name]["arguments"]) for name in order
        ],
        layers=[_load_layer(trained[name]) for name in order],
    )


def unroll(stack: Stack) -> tuple[Blueprint, DeepAutoencoder]:
    """Build the deep autoencoder that computes what the layers do one after the other.

    Hinton and Salakhutdinov (2006), Science 313:504, figure 1, middle.
    """
    blueprint = unrolled_blueprint(stack.blueprints, stack.shape)
    model = construct(blueprint)
    if not isinstance(model, DeepAutoencoder):  # for the type checker: the kind says so
        raise TypeError(f"unrolled to {type(model).__name__}")
    up = [upward(layer) for layer in stack.layers]
    down = [downward(layer) for layer in reversed(stack.layers)]
    with torch.no_grad():
        for linear, (weight, bias) in zip(
            [*linears(model.encoder), *linears(model.decoder)], [*up, *down], strict=True
        ):
            linear.weight.copy_(weight)
            linear.bias.copy_(bias)
    return blueprint, model


def upward(layer: Layer) -> Affine:
    """Give what a layer does to its input before its nonlinearity."""
    match layer:
        case DenseLayer():
            return layer.encoder.weight, layer.encoder.bias
        case RestrictedBoltzmannMachine():
            return layer.weight_in(), layer.hidden_bias
        case _:
            assert_never(layer)


def downward(layer: Layer) -> Affine:
    """Give what a layer does to its code to reach its raw output."""
    match layer:
        case DenseLayer():
            return layer.weight_back(), layer.decoder_bias
        case RestrictedBoltzmannMachine():
            return layer.weight_back(), layer.visible_bias
        case _:
            assert_never(layer)


def _layers(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/model.json"))


def _load_layer(folder: Path) -> Layer:
    loaded = load_model(folder)
    layer = loaded.network if isinstance(loaded, KSparse) else loaded
    if not isinstance(layer, Layer):
        raise ArtifactError(
            f"{folder}: holds a {type(layer).__name__}, which is no layer of a stack; "
            "`dvc repro` trains the declared one again"
        )
    return layer
