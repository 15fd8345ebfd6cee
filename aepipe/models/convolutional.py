"""Convolutional autoencoder: strided convolutions down, resizing and convolutions up."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, final

import torch
from torch import Tensor, nn

from aepipe.models.outputs import Reconstruction, activation, mean


@final
class ConvolutionalAutoencoder(nn.Module):
    """Halves height and width with each entry of ``channels``; mirrors that on the way back.

    The decoder resizes (nearest neighbour) and then convolves, which leaves no checkerboard:
    Odena et al. (2016), "Deconvolution and checkerboard artifacts", Distill.

    Args:
        shape: ``(channels, height, width)`` of one image, both sides at least ``2**len(channels)``.
        channels: feature maps after each halving.
        code_size: features of the code, linear.
        nonlinearity: of the hidden layers.
        reconstruction: what the raw output of ``decode`` means.

    Shapes:
        input and output ``(batch, *shape)``; code ``(batch, code_size)``.

    Raises:
        ValueError: the image is too small for so many halvings.
    """

    def __init__(
        self,
        shape: Sequence[int],
        channels: Sequence[int],
        code_size: int,
        nonlinearity: Literal["relu", "silu", "tanh"],
        reconstruction: Reconstruction,
    ) -> None:
        super().__init__()
        self.shape = tuple(shape)
        self.code_size = code_size
        self.reconstruction = reconstruction
        sides = halvings(self.shape, len(channels))
        planes = [self.shape[0], *channels]
        self._deepest = (planes[-1], *sides[-1])
        flat = torch.Size(self._deepest).numel()

        down: list[nn.Module] = []
        for before, after in pairwise(planes):
            down += [nn.Conv2d(before, after, 3, stride=2, padding=1), activation(nonlinearity)]
        self.encoder = nn.Sequential(*down, nn.Flatten(), nn.Linear(flat, code_size))

        up: list[nn.Module] = [nn.Linear(code_size, flat), nn.Unflatten(1, self._deepest)]
        for (before, after), size in zip(pairwise(planes[::-1]), sides[-2::-1], strict=True):
            up += [activation(nonlinearity), nn.Upsample(size=size, mode="nearest")]
            up += [nn.Conv2d(before, after, 3, padding=1)]
        self.decoder = nn.Sequential(*up)

    def encode(self, x: Tensor) -> Tensor:
        """Give the code ``(batch, code_size)`` of ``x``, ``(batch, *shape)``."""
        code: Tensor = self.encoder(x)
        return code

    def decode(self, code: Tensor) -> Tensor:
        """Give the raw output ``(batch, *shape)``."""
        raw: Tensor = self.decoder(code)
        return raw

    def mean(self, raw: Tensor) -> Tensor:
        """Turn the raw output into the units of the input."""
        return mean(raw, self.reconstruction)


def halvings(shape: Sequence[int], times: int) -> list[tuple[int, int]]:
    """Heights and widths before, between and after ``times`` convolutions of stride 2.

    Each gives ``floor((side - 1) / 2) + 1`` (kernel 3, padding 1).

    Raises:
        ValueError: an image so small gives nothing more to halve.
    """
    _, height, width = shape
    sides = [(height, width)]
    for _ in range(times):
        if min(sides[-1]) < 2:
            raise ValueError(
                f"{times} halvings need sides of at least {2**times} pixels, "
                f"not {height} x {width}; list fewer channels"
            )
        sides.append(((sides[-1][0] - 1) // 2 + 1, (sides[-1][1] - 1) // 2 + 1))
    return sides
