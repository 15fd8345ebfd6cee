"""The noises of Vincent et al. (2010), "Stacked denoising autoencoders", JMLR 11:3371; and more."""

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Generator, Tensor

Noise = Callable[[Tensor, Generator], Tensor]
SPREAD = 0x9E3779B97F4A7C15  # 2^64 over the golden ratio: multiples of it lie far apart


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
    keep = torch.rand(x.shape, generator=generator, device=x.device) >= fraction
    return x * keep


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
    drawn = torch.rand(x.shape, generator=generator, device=x.device)
    # one uniform draw serves both choices: below fraction / 2 pepper, up to fraction salt
    with_salt = torch.where(drawn < fraction, high, x)
    return torch.where(drawn < fraction / 2, low, with_salt)


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
    return torch.rand(x.shape, generator=generator, device=x.device) < fraction


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
