"""From a corruption section to a function; the only place that knows both."""

from collections.abc import Callable
from typing import assert_never

from torch import Generator, Tensor

from aepipe.corruption.noise import add_gaussian, mask, salt_and_pepper
from aepipe.errors import ParamsError
from aepipe.params.corruption import (
    Corruption,
    Gaussian,
    Masking,
    NoCorruption,
    Pairs,
    SaltAndPepper,
)

Corrupt = Callable[[Tensor, Generator], Tensor]


def build_corruption(config: Corruption, bounds: tuple[float, float] | None) -> Corrupt:
    """Turn a corruption section into a function of a batch and a generator.

    Args:
        config: the section.
        bounds: smallest and largest value of the features, which pepper and salt take; None where
            they have none.

    Raises:
        ParamsError: salt and pepper on features without bounds.
    """
    match config:
        case NoCorruption() | Pairs():  # pairs come corrupted from the dataset
            return lambda x, generator: x
        case Masking(fraction=fraction):
            return lambda x, generator: mask(x, fraction, generator)
        case Gaussian(standard_deviation=deviation):
            return lambda x, generator: add_gaussian(x, deviation, generator)
        case SaltAndPepper(fraction=fraction):
            if bounds is None:
                raise ParamsError(
                    "corruption salt_and_pepper needs features with a smallest and a largest "
                    "value, and these have none; use scaling: range with pixels, or masking"
                )
            low, high = bounds
            return lambda x, generator: salt_and_pepper(x, fraction, low, high, generator)
        case _:
            assert_never(config)


def condition_name(config: Corruption) -> str:
    """Name a corruption with its level, as folders and figures do: ``masking_0.25``."""
    match config:
        case Masking(fraction=level) | SaltAndPepper(fraction=level):
            return f"{config.kind}_{level:g}"
        case Gaussian(standard_deviation=level):
            return f"{config.kind}_{level:g}"
        case NoCorruption() | Pairs():
            return config.kind
        case _:
            assert_never(config)
