"""The noises of Vincent et al. (2010), "Stacked denoising autoencoders", JMLR 11:3371; and more."""

import math
from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Generator, Tensor

Noise = Callable[[Tensor, Generator], Tensor]
SPREAD = 0x9E3779B97F4A7C15  # 2^64 over the golden ratio: multiples of it lie far apart
LOT_BITS = 16  # of a component's lot: a fraction is kept to the nearest 1 / 65,536
WORD_BITS = 64  # of what a generator is asked for at once


class Corrupt(Protocol):
    """What is done to the samples of a batch."""

    def __call__(self, x: Tensor, generator: Generator, index: Tensor | None = None) -> Tensor:
        """Give the corrupted samples, of the shape of ``x``.

        Args:
            x: ``(batch, ...)``. Not modified.
            generator: of the noise, on ``x``'s device.
            index: ``(batch,)``, which samples of their split these are; needed where each of them
                keeps its noise.
        """
        ...


def mask(x: Tensor, fraction: float, generator: Generator) -> Tensor:
    """Set each component to 0 with probability ``fraction``, independently.

    "Masking noise"; components that survive are not rescaled.

    Args:
        x: ``(batch, ...)``, any range. Not modified.
        fraction: in [0, 1].
        generator: on ``x``'s device; two calls with equal generator states agree.
    """
    spared = ~chosen(x, fraction, generator)
    return x * spared.view(torch.uint8)  # three times as fast as times a truth value


def add_gaussian(x: Tensor, standard_deviation: float, generator: Generator) -> Tensor:
    """Add isotropic normal noise; results are not clipped to the range of ``x``.

    Args:
        x: ``(batch, ...)``, any range. Not modified.
        standard_deviation: at least 0, in the units of ``x``.
        generator: on ``x``'s device.
    """
    noise = torch.randn(x.shape, generator=generator, device=x.device)
    return torch.add(x, noise, alpha=standard_deviation)


def salt_and_pepper(
    x: Tensor, fraction: float, low: float, high: float, generator: Generator
) -> Tensor:
    """Set each component with probability ``fraction`` to ``low`` or ``high``, by a fair coin.

    Args:
        x: ``(batch, ...)``, any range. Not modified.
        fraction: in [0, 1].
        low: value of pepper, in the units of ``x``.
        high: value of salt, in the units of ``x``.
        generator: on ``x``'s device.
    """
    drawn = lots(x, generator)
    # one lot serves both choices: below fraction / 2 pepper, up to fraction salt
    with_salt = torch.where(below(drawn, fraction), high, x)
    return torch.where(below(drawn, fraction / 2), low, with_salt)


def drop(x: Tensor, fraction: float, generator: Generator) -> Tensor:
    """Set each component to 0 with probability ``fraction``; the others grow by 1 / (1 - fraction).

    Dropout of the input: Srivastava et al. (2014), JMLR 15:1929, section 10, in the form that keeps
    each component's expected value and so needs no rescaling in evaluation.

    Args:
        x: ``(batch, ...)``, any range. Not modified.
        fraction: in [0, 1).
        generator: on ``x``'s device.
    """
    return mask(x, fraction, generator) / (1 - fraction)


def hide_block(x: Tensor, size: float, generator: Generator) -> Tensor:
    """Set one patch of each image, or one run of each series, to 0; its place is drawn uniformly.

    The "missing part" of Pathak et al. (2016), "Context encoders", CVPR, section 3.2, as noise.

    Args:
        x: ``(batch, *shape)``, any range. Not modified.
        size: of the patch's sides, as a fraction of the image's, in (0, 1].
        generator: on ``x``'s device.
    """
    return x.masked_fill(block(x, size, generator), 0)


def chosen(x: Tensor, fraction: float, generator: Generator) -> Tensor:
    """Give the components that :func:`mask`, :func:`drop` and :func:`salt_and_pepper` touch.

    With a generator in the state in which theirs was, for they draw in the same way.

    Args:
        x: ``(batch, ...)``.
        fraction: in [0, 1].
        generator: on ``x``'s device.

    Returns:
        Of the same shape, true where the noise acts, whatever the value there.
    """
    return below(lots(x, generator), fraction)


def lots(x: Tensor, generator: Generator) -> Tensor:
    """Draw a whole number for each component of ``x``, each of 16 bits as likely.

    A generator gives four of them for one draw of 64 bits; a float for each component would take
    several times as long as all else that masking does.

    Args:
        x: ``(batch, ...)``.
        generator: on ``x``'s device.

    Returns:
        Of the shape of ``x``, int16. The lots of a row depend on no other row's.
    """
    width = math.prod(x.shape[1:])
    words = torch.empty(
        len(x), -(-width * LOT_BITS // WORD_BITS), dtype=torch.int64, device=x.device
    )
    words.random_(-(2 ** (WORD_BITS - 1)), None, generator=generator)
    return words.view(torch.int16)[:, :width].reshape(x.shape)


def below(drawn: Tensor, fraction: float) -> Tensor:
    """Say which of the :func:`lots` lie in the lowest ``fraction``, in [0, 1], of all there are."""
    lowest = -(2 ** (LOT_BITS - 1))
    cut = round(fraction * 2**LOT_BITS)
    if cut == 0:
        return torch.zeros_like(drawn, dtype=torch.bool)
    last = lowest + cut - 1  # of those below, for the end of the range has no 16 bits
    return torch.le(drawn, last)


def block(x: Tensor, size: float, generator: Generator) -> Tensor:
    """Give the components that :func:`hide_block` sets to 0, of the shape of ``x``."""
    inside = torch.ones(x.shape, dtype=torch.bool, device=x.device)
    for axis, (length, hidden) in block_sides(x.shape[1:], size).items():
        # one draw for each row; the patch lies inside the image whole, every place as likely
        drawn = torch.rand(len(x), generator=generator, device=x.device)
        start = (drawn * (length - hidden + 1)).long().clamp(max=length - hidden)
        place = torch.arange(length, device=x.device)
        within = (place >= start[:, None]) & (place < start[:, None] + hidden)
        inside &= within.view(len(x), *(length if a == axis else 1 for a in range(1, x.dim())))
    return inside


def block_sides(shape: Sequence[int], size: float) -> dict[int, tuple[int, int]]:
    """Give the axes along which a block lies, each with its length and the block's, in components.

    Axes count from 1, as in a batch of samples of ``shape``: height and width of images
    ``(channels, height, width)``, the first axis of anything else. A block has at least one
    component along each.
    """
    axes = (2, 3) if len(shape) == 3 else (1,)
    return {axis: (shape[axis - 1], max(1, round(size * shape[axis - 1]))) for axis in axes}


def fixed(noise: Noise, x: Tensor, generator: Generator, index: Tensor | None) -> Tensor:
    """Apply ``noise`` to each sample as drawn for that sample alone, whatever has gone before.

    Args:
        noise: of a batch and a generator.
        x: ``(batch, ...)``.
        generator: only the seed with which it began is used; it does not move.
        index: ``(batch,)``, integers that tell the samples of one split apart.

    Returns:
        Of the shape that ``noise`` gives; the same noise for the same index and seed.

    Raises:
        ValueError: there is no index.
    """
    if index is None:
        raise ValueError("noise that a sample keeps needs to know which samples these are")
    own, begun, rows = Generator(x.device), generator.initial_seed(), []
    for row, number in zip(torch.split(x, 1), index.tolist(), strict=True):
        # a large odd factor keeps the seeds of neighbouring samples, and of both splits, apart
        own.manual_seed((begun + (number + 1) * SPREAD) % 2**63)
        rows.append(noise(row, own))
    return torch.cat(rows)
