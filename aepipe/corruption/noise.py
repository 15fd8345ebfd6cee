"""The noises of Vincent et al. (2010), "Stacked denoising autoencoders", JMLR 11:3371."""

import torch
from torch import Generator, Tensor


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
