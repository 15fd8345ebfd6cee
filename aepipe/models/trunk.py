"""Hidden layers of variational networks: samples to features, latent variables to raw output."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TypedDict

import torch
from torch import nn

from aepipe.models.convolutional import halvings
from aepipe.models.dense import perceptron
from aepipe.models.outputs import Activation, activation


class Trunk(TypedDict):
    """Hidden layers of an encoder, as ``model.json`` keeps them; the decoder mirrors them."""

    channels: Sequence[int]
    """Feature maps after each halving of height and width; none for a dense network."""
    widths: Sequence[int]
    """Of the dense layers that follow."""
    nonlinearity: Activation


def encoder_trunk(trunk: Trunk, shape: Sequence[int]) -> tuple[nn.Sequential, int]:
    """Give the layers from ``(batch, *shape)`` to ``(batch, features)``, and ``features``.

    Raises:
        ValueError: the image is too small for so many halvings.
    """
    deepest = _deepest(trunk, shape)
    down: list[nn.Module] = []
    for before, after in pairwise([shape[0], *trunk["channels"]]):
        down += [nn.Conv2d(before, after, 3, stride=2, padding=1)]
        down += [activation(trunk["nonlinearity"])]
    sizes = [deepest.numel(), *trunk["widths"]]
    dense = perceptron(sizes, [trunk["nonlinearity"]] * len(trunk["widths"]))
    return nn.Sequential(*down, nn.Flatten(), *dense), sizes[-1]


def decoder_trunk(
    trunk: Trunk, shape: Sequence[int], code_size: int, outputs: int
) -> nn.Sequential:
    """Give the layers from ``(batch, code_size)`` to ``(batch, outputs * features)``.

    Args:
        trunk: of the encoder; where it convolves with stride 2, this resizes (nearest neighbour)
            and convolves, which leaves no checkerboard (Odena et al. 2016).
        shape: of one sample.
        code_size: features of the latent variable.
        outputs: raw outputs for each feature of a sample; those of one kind lie together.
    """
    channels = trunk["channels"]
    deepest = _deepest(trunk, shape)
    last = deepest.numel() if channels else outputs * deepest.numel()
    hidden: list[Activation] = [trunk["nonlinearity"]] * len(trunk["widths"])
    dense = perceptron([code_size, *trunk["widths"][::-1], last], [*hidden, "linear"])
    if not channels:
        return dense
    up: list[nn.Module] = [nn.Unflatten(1, tuple(deepest))]
    planes = [*channels[::-1], outputs * shape[0]]
    sides = halvings(shape, len(channels))
    for (before, after), size in zip(pairwise(planes), sides[-2::-1], strict=True):
        up += [activation(trunk["nonlinearity"]), nn.Upsample(size=size, mode="nearest")]
        up += [nn.Conv2d(before, after, 3, padding=1)]
    return nn.Sequential(*dense, *up, nn.Flatten())


def _deepest(trunk: Trunk, shape: Sequence[int]) -> torch.Size:
    """Give the shape between the convolutions and the dense layers."""
    if not trunk["channels"]:
        return torch.Size(shape)
    return torch.Size((trunk["channels"][-1], *halvings(shape, len(trunk["channels"]))[-1]))
