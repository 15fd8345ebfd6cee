"""Convolutional architectures."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from aepipe.params.base import Section


class Convolutional(Section):
    """Strided convolutions down, nearest-neighbour resizing and convolutions up; images only."""

    kind: Literal["convolutional"]
    channels: Annotated[tuple[PositiveInt, ...], Field(strict=False, min_length=1)]
    """Feature maps after each halving of height and width."""
    code_size: PositiveInt
    activation: Literal["relu", "silu", "tanh"]
