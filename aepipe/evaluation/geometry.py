"""The shape of what an encoder does: how many directions it uses, how flat and how full it is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from aepipe.data.parts import Array
from aepipe.evaluation.uncertainty import (
    Bootstrap,
    Figure,
    bootstrap_mean,
    figure,
    standard_interval,
)

Float64 = NDArray[np.float64]
MARGIN = 0.05  # of a unit's range; closer to an end than this it counts as saturated


class GeometryFigures(TypedDict):
    """Figures of one representation on test samples; None where it does not have one.

    ``jacobian_norm`` is the mean over samples of the Frobenius norm, in code units per input unit.
    """

    effective_dimension: Figure | None
    dead_units: int
    saturated_units: Figure | None
    jacobian_norm: Figure | None


@final
@dataclass(frozen=True, slots=True)
class Encoder:
    """A representation's way to its code, as far as its geometry is concerned.

    Attributes:
        encode: from ``(n, *shape)`` to codes ``(n, code_size)``, tensors.
        bounds: smallest and largest value of a code's units; None where they have none.
    """

    encode: Callable[[Tensor], Tensor]
    bounds: tuple[float, float] | None


def geometry_figures(
    encoder: Encoder, samples: Array, projections: int, seed: int, bootstrap: Bootstrap
) -> GeometryFigures:
    """Put the figures of ``encoder`` at ``samples``, ``(n, *shape)``, together.

    Args:
        encoder: in evaluation mode.
        samples: at least two, float32.
        projections: of the Jacobian's estimate; see :func:`jacobian_norms`.
        seed: of the estimate's vectors.
        bootstrap: of the intervals, which are over samples.
    """
    x = torch.from_numpy(samples)
    with torch.no_grad():
        codes = encoder.encode(x).numpy().astype(np.float64)
    norms = jacobian_norms(encoder.encode, x, projections, Generator().manual_seed(seed))
    shares = None if encoder.bounds is None else saturated(codes, encoder.bounds)
    return {
        "effective_dimension": effective_dimension(codes, bootstrap.confidence),
        "dead_units": dead_units(codes),
        "saturated_units": None if shares is None else bootstrap_mean(shares, bootstrap),
        "jacobian_norm": None if norms is None else bootstrap_mean(norms, bootstrap),
    }


def effective_dimension(codes: Array, confidence: float) -> Figure | None:
    r"""How many directions the codes fill, between 1 and the number of units.

    .. math:: \bigl(\sum_i \lambda_i\bigr)^2 / \sum_i \lambda_i^2

    with the eigenvalues of the codes' covariance: the participation ratio; Del Giudice (2021),
    Multivariate Behavioral Research 56:527, n2. It does not change when codes are turned, shifted
    or scaled.

    The interval is normal, its standard error that of the infinitesimal jackknife (Efron 1982, The
    Jackknife, the Bootstrap and Other Resampling Plans, chapter 6): what a bootstrap would come to,
    without a covariance for each resample.

    Args:
        codes: ``(n, units)``.
        confidence: of the interval.

    Returns:
        None where all codes are the same.
    """
    centred = codes - codes.mean(axis=0)
    count = len(centred)
    # the sums are traces of the covariance and of its square: no eigenvalue need be found
    if count > centred.shape[1]:
        along = np.einsum("nu,nu->n", centred @ (centred.T @ centred), centred)
    else:
        along = np.square(centred @ centred.T).sum(axis=1)
    lengths = np.square(centred).sum(axis=1)
    total, square = float(lengths.sum()), float(along.sum())
    if not square > 0:
        return None
    value = total**2 / square
    # how the figure changes as one sample gains weight
    pull = 2 * value * ((lengths * count / total - 1) - (along * count / square - 1))
    error = float(np.sqrt(np.square(pull).sum())) / count
    interval = standard_interval(value, error, confidence)
    return figure(value, max(1.0, interval["low"]), interval["high"])


def dead_units(codes: Array) -> int:
    """Count the units that give the same value for every one of ``codes``, ``(n, units)``."""
    spread = codes.max(axis=0) - codes.min(axis=0)
    constant = spread <= np.finfo(np.float32).eps * np.abs(codes).max(axis=0)
    return int(constant.sum())


def saturated(codes: Array, bounds: tuple[float, float]) -> Float64:
    """Give for each sample the share of units within 5 % of the range from a bound, ``(n,)``.

    Rifai et al. (2011), ICML, section 6.1, "SAT", for sigmoid units: below 0.05 or above 0.95.

    Args:
        codes: ``(n, units)``.
        bounds: smallest and largest value that a unit can take.
    """
    low, high = bounds
    margin = MARGIN * (high - low)
    shares: Float64 = ((codes < low + margin) | (codes > high - margin)).mean(axis=1)
    return shares


def jacobian_norms(
    encode: Callable[[Tensor], Tensor], x: Tensor, projections: int, generator: Generator
) -> Float64 | None:
    r"""Give the Frobenius norm of the encoder's Jacobian at each sample, ``(n,)``.

    Exact, one row of the Jacobian after the other, where the code has no more than ``projections``
    units; else the root of Hutchinson's estimate of its square, the mean of :math:`\|J^T v\|^2`
    over random signs v, whose relative error is at most about ``sqrt(2 / projections)``.

    Args:
        encode: from ``(n, *shape)`` to codes ``(n, units)``; each sample for itself.
        x: ``(n, *shape)``.
        projections: passes backward at most.
        generator: of the signs; on ``x``'s device.

    Returns:
        None where torch cannot differentiate the encoder.
    """
    with torch.enable_grad():
        point = x.detach().requires_grad_()
        code = encode(point)
        if not code.requires_grad:
            return None
        exact = code.shape[1] <= projections
        total = torch.zeros(len(x), dtype=torch.float64)
        for number in range(code.shape[1] if exact else projections):
            if exact:
                vectors = torch.zeros_like(code)
                vectors[:, number] = 1
            else:
                coins = torch.rand(code.shape, generator=generator, device=x.device) < 0.5
                vectors = torch.where(coins, -1.0, 1.0).to(code.dtype)
            (pulled,) = torch.autograd.grad(code, point, vectors, retain_graph=True)
            total += pulled.flatten(1).double().square().sum(dim=1).cpu()
    norms: Float64 = (total if exact else total / projections).sqrt().numpy()
    return norms
