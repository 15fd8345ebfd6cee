"""Samples as sequences of steps, and where each of them ends."""

from collections.abc import Sequence

import torch
from torch import Tensor

from aepipe.models.sizes import IMAGE_DIMENSIONS, sequence


def as_steps(x: Tensor, shape: Sequence[int]) -> Tensor:
    """Read samples ``(batch, *shape)`` step by step, ``(batch, steps, features)``.

    A series has its steps first and its channels, if any, second; an image is read row by row from
    the top, all channels of a row at once (Le, Jaitly and Hinton 2015, arXiv:1504.00941, section
    4.2, read pixels; rows are their coarser relative).
    """
    if len(shape) == IMAGE_DIMENSIONS:
        x = x.transpose(1, 2)
    return x.reshape(len(x), *sequence(shape))


def from_steps(steps: Tensor, shape: Sequence[int]) -> Tensor:
    """Undo :func:`as_steps`: give ``(batch, *shape)`` of ``(batch, steps, features)``."""
    if len(shape) == IMAGE_DIMENSIONS:
        channels, height, width = shape
        return steps.reshape(len(steps), height, channels, width).transpose(1, 2)
    return steps.reshape(len(steps), *shape)


def lengths(steps: Tensor) -> Tensor:
    """Give how many steps of each sequence are read, ``(batch,)``, between 1 and all.

    Shorter series are stored with their last step repeated to the end. Steps at the end that equal
    the last one bit for bit say nothing new, so all of them are read as one, and a code does not
    depend on how far a series was filled up.

    Args:
        steps: ``(batch, steps, features)``.
    """
    changes = (steps[:, 1:] != steps[:, :-1]).any(dim=2)  # (batch, steps - 1)
    places = torch.arange(2, steps.shape[1] + 1, device=steps.device)
    none = torch.ones(len(steps), 1, dtype=places.dtype, device=steps.device)
    return torch.cat([none, changes * places], dim=1).amax(dim=1)
