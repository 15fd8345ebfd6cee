"""From a corruption section to functions; the only place that knows both."""

from functools import partial
from typing import assert_never

from torch import Generator, Tensor

from aepipe.corruption.noise import (
    Corrupt,
    Noise,
    add_gaussian,
    block,
    chosen,
    drop,
    fixed,
    hide_block,
    mask,
    salt_and_pepper,
)
from aepipe.errors import ParamsError
from aepipe.params import corruption as sections

Bounds = tuple[float, float] | None


def build_corruption(config: sections.Corruption, bounds: Bounds) -> Corrupt:
    """Turn a corruption section into a function of a batch and a generator.

    Args:
        config: the section.
        bounds: smallest and largest value of the features, which pepper and salt take; None where
            they have none.

    Raises:
        ParamsError: salt and pepper on features without bounds.
    """
    match config:
        case sections.NoCorruption() | sections.Pairs():  # pairs come corrupted from the dataset
            return lambda x, generator, index=None: x
        case _:
            return _as_drawn(_noise(config, bounds), config)


def build_selection(config: sections.Selective) -> Corrupt:
    """Give the function that says which components the corruption of ``config`` touches.

    With a generator in the state in which the corruption's was, it tells those that were drawn,
    whatever their values: true for each, of the shape of the batch.
    """

    def select(x: Tensor, generator: Generator) -> Tensor:
        if isinstance(config, sections.Block):
            return block(x, config.size, generator)
        return chosen(x, config.fraction, generator)

    return _as_drawn(select, config)


def condition_name(config: sections.Corruption) -> str:
    """Name a corruption with its level, as folders and figures do: ``masking_0.25``."""
    match config:
        case sections.NoCorruption() | sections.Pairs():
            return config.kind
        case _:
            return f"{config.kind}_{level(config):g}"


def level(config: sections.Noise) -> float:
    """Give how strong a noise is: a fraction, or a standard deviation."""
    match config:
        case sections.Masking() | sections.SaltAndPepper() | sections.InputDropout():
            return config.fraction
        case sections.Gaussian():
            return config.standard_deviation
        case sections.Block():
            return config.size
        case _:
            assert_never(config)


def _noise(config: sections.Noise, bounds: Bounds) -> Noise:
    match config:
        case sections.Masking(fraction=fraction):
            return lambda x, generator: mask(x, fraction, generator)
        case sections.Gaussian(standard_deviation=deviation):
            return lambda x, generator: add_gaussian(x, deviation, generator)
        case sections.InputDropout(fraction=fraction):
            return lambda x, generator: drop(x, fraction, generator)
        case sections.Block(size=size):
            return lambda x, generator: hide_block(x, size, generator)
        case sections.SaltAndPepper(fraction=fraction):
            if bounds is None:
                raise ParamsError(
                    "corruption salt_and_pepper needs features with a smallest and a largest "
                    "value, and these have none; use scaling: range with pixels, or masking"
                )
            low, high = bounds
            return lambda x, generator: salt_and_pepper(x, fraction, low, high, generator)
        case _:
            assert_never(config)


def _as_drawn(noise: Noise, config: sections.Noise) -> Corrupt:
    match config.drawn:
        case "anew":
            return lambda x, generator, index=None: noise(x, generator)
        case "fixed":
            return partial(_fixed, noise)


def _fixed(noise: Noise, x: Tensor, generator: Generator, index: Tensor | None = None) -> Tensor:
    return fixed(noise, x, generator, index)
