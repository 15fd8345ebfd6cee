"""Hidden layers of variational networks: samples to features, latent variables to raw output."""

from collections.abc import Sequence
from typing import TypedDict

import torch
from torch import nn

from aepipe.models.convolutional import convolutional_decoder, convolutional_encoder, flat_size
from aepipe.models.outputs import Activation
from aepipe.models.perceptron import perceptron
from aepipe.models.sizes import Convolutions


class Trunk(TypedDict):
    """Hidden layers of an encoder, as ``model.json`` keeps them; the decoder mirrors them."""

    convolutions: Convolutions | None
    """The first ones; None for a dense network."""
    widths: Sequence[int]
    """Of the dense layers that follow."""
    nonlinearity: Activation
    """Of these."""


def encoder_trunk(trunk: Trunk, shape: Sequence[int]) -> tuple[nn.Sequential, int]:
    """Give the layers from ``(batch, *shape)`` to ``(batch, features)``, and ``features``.

    Raises:
        ValueError: the convolutions do not fit the image; see :func:`sizes.sides`.
    """
    first, features = nn.Sequential(nn.Flatten()), torch.Size(shape).numel()
    if trunk["convolutions"] is not None:
        first = convolutional_encoder(shape, trunk["convolutions"])
        features = flat_size(shape, trunk["convolutions"])
    sizes = [features, *trunk["widths"]]
    return first.extend(perceptron(sizes, [trunk["nonlinearity"]] * len(trunk["widths"]))), sizes[
        -1
    ]


def decoder_trunk(
    trunk: Trunk, shape: Sequence[int], code_size: int, outputs: int
) -> nn.Sequential:
    """Give the layers from ``(batch, code_size)`` to ``(batch, outputs * features)``.

    Args:
        trunk: of the encoder.
        shape: of one sample.
        code_size: features of the latent variable.
        outputs: raw outputs for each feature of a sample; those of one kind lie together.
    """
    sizes = [code_size, *trunk["widths"][::-1]]
    hidden: list[Activation] = [trunk["nonlinearity"]] * len(trunk["widths"])
    layers = perceptron(sizes, hidden)
    if trunk["convolutions"] is None:
        return layers.append(nn.Linear(sizes[-1], outputs * torch.Size(shape).numel()))
    planes = (outputs * shape[0], *shape[1:])
    layers.extend(convolutional_decoder(planes, trunk["convolutions"], sizes[-1]))
    return layers.append(nn.Flatten())
