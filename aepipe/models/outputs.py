"""What the last layer's raw output means under each reconstruction."""

from typing import Literal, assert_never

import torch
from torch import Tensor, nn

Reconstruction = Literal["squared", "bernoulli", "absolute"]
Activation = Literal["sigmoid", "tanh", "relu", "silu", "linear"]


def mean(raw: Tensor, reconstruction: Reconstruction) -> Tensor:
    """Turn a decoder's raw output into the expected input, same shape.

    ``bernoulli`` reads ``raw`` as logits; ``squared`` and ``absolute`` take it as it is.
    """
    return torch.sigmoid(raw) if reconstruction == "bernoulli" else raw


def activation(name: Activation) -> nn.Module:
    """Give the elementwise activation of that name."""
    match name:
        case "sigmoid":
            return nn.Sigmoid()
        case "tanh":
            return nn.Tanh()
        case "relu":
            return nn.ReLU()
        case "silu":
            return nn.SiLU()
        case "linear":
            return nn.Identity()
        case _:
            assert_never(name)


def code_bounds(name: Activation) -> tuple[float, float] | None:
    """Smallest and largest value that an activation can give, where it has both."""
    match name:
        case "sigmoid":
            return 0.0, 1.0
        case "tanh":
            return -1.0, 1.0
        case "relu" | "silu" | "linear":
            return None
