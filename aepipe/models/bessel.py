r"""Modified Bessel functions as the von Mises-Fisher distribution needs them.

The uniform distribution on the unit sphere of R^m has the moment generating function

.. math:: M(\kappa) = E\,e^{\kappa \mu^T z} = {}_0F_1(; m/2; \kappa^2/4)
          = \Gamma(v + 1)\,(2/\kappa)^v\,I_v(\kappa), \qquad v = m/2 - 1

(Mardia and Jupp 2000, "Directional statistics", section 9.3.2). Its logarithm, and that one's first
two derivatives, are all that density, entropy and divergence ask for. No ``I_v`` is ever formed,
so nothing overflows or underflows. All in float64, on the processor where the device has no
float64, relative error below 1e-11.
"""

from fractions import Fraction
from functools import lru_cache
from math import lgamma, log, pi

import torch
from torch import Tensor

THRESHOLD = 30.0  # below: the power series; above: the expansion, whose error is then under 1e-14
SERIES_TERMS = 80  # those left out sum to less than 1e-16 of the rest at the threshold
EXPANSION_TERMS = 12  # as many as the threshold needs

Polynomial = list[Fraction]  # coefficients, the constant first


def log_moment(concentration: Tensor, coordinates: int) -> tuple[Tensor, Tensor, Tensor]:
    """Give the logarithm of the moment generating function, its slope and its curvature.

    The slope is the mean resultant length, the ratio of Bessel functions
    ``I_(m/2) / I_(m/2 - 1)``; the curvature is the variance of ``mu . z``.

    Args:
        concentration: kappa, any shape, at least 0; no gradient flows through.
        coordinates: m, of the space around the sphere; at least 2.

    Returns:
        Three float64 tensors of the shape of ``concentration``.
    """
    kappa = concentration.detach()
    low = _series(kappa.clamp(max=THRESHOLD), coordinates)
    high = _expansion(kappa.clamp(min=THRESHOLD), coordinates)
    below = kappa <= THRESHOLD
    value, slope, curvature = (torch.where(below, a, b) for a, b in zip(low, high, strict=True))
    return value, slope, curvature


def _series(kappa: Tensor, coordinates: int) -> tuple[Tensor, Tensor, Tensor]:
    """Sum the power series, DLMF 10.25.2, of which all terms are positive."""
    k = torch.arange(1, SERIES_TERMS + 1, dtype=torch.float64, device=kappa.device)
    x = kappa.square()[..., None] / 4
    factors = x / (k * (coordinates / 2 - 1 + k))
    factors[..., :1] = 2 / coordinates  # without x, by which slope and curvature are divided
    terms = factors.cumprod(dim=-1)  # of the series, divided by x
    rest = (x * terms).sum(dim=-1)  # M - 1
    slope = kappa / 2 * (k * terms).sum(dim=-1) / (1 + rest)
    curvature = (k * (2 * k - 1) * terms).sum(dim=-1) / 2 / (1 + rest) - slope.square()
    return rest.log1p(), slope, curvature


def _expansion(kappa: Tensor, coordinates: int) -> tuple[Tensor, Tensor, Tensor]:
    r"""Evaluate Debye's expansion, DLMF 10.41.3, and its derivatives term by term.

    .. math:: \ln I_v(\kappa) = s + v \ln\frac{\kappa}{v + s} - \frac12 \ln(2 \pi s)
              + \sum_i \frac{c_i}{s^i}, \qquad s = \sqrt{v^2 + \kappa^2}

    It holds uniformly in v; for v = 0 it is Hankel's. The error is of the order of the first term
    that is left out, so it falls with s, which is never below ``kappa``.
    """
    v = coordinates / 2 - 1
    s = torch.hypot(kappa, torch.full_like(kappa, v))
    coefficients = debye_coefficients(coordinates).to(s)
    terms = coefficients * (1 / s)[..., None].expand(*s.shape, len(coefficients)).cumprod(dim=-1)
    order = torch.arange(1, len(coefficients) + 1, dtype=s.dtype, device=s.device)
    correction = terms.sum(dim=-1)
    first = -(order * terms).sum(dim=-1) / s - 1 / (2 * s)  # derivatives by s, with ln(s) / 2
    second = (order * (order + 1) * terms).sum(dim=-1) / s.square() + 1 / (2 * s.square())

    value = lgamma(v + 1) + v * log(2) - v * (v + s).log() + s - (2 * pi * s).log() / 2 + correction
    slope = kappa / (s + v) + first * kappa / s
    curvature = v / (s * (s + v)) + second * (kappa / s).square() + first * v**2 / s**3
    return value, slope, curvature


@lru_cache(maxsize=64)
def debye_coefficients(coordinates: int) -> Tensor:
    """Give the factors of 1/s, 1/s^2, ... in the logarithm of Debye's expansion, ``(orders,)``."""
    v = Fraction(coordinates, 2) - 1
    u = _debye_polynomials(EXPANSION_TERMS)
    factors = [Fraction(0)] * len(u[-1])
    logarithm: list[Polynomial] = [[Fraction(0)]]
    for k in range(1, len(u)):  # the power series of a logarithm; each U_k is one coefficient
        d = list(u[k])
        for j in range(1, k):
            for power, value in enumerate(_product(logarithm[j], u[k - j])):
                d[power] -= Fraction(j, k) * value
        logarithm.append(d)
        for power, value in enumerate(d):  # value * (v / s)^power / v^k, where power >= k
            factors[power] += value * v ** (power - k) if value else 0
    return torch.tensor([float(factor) for factor in factors[1:]], dtype=torch.float64)


def _debye_polynomials(count: int) -> list[Polynomial]:
    r"""Give U_0 to U_count by DLMF 10.41.9, as polynomials of p = v / s.

    .. math:: U_{k+1}(p) = \tfrac12 p^2 (1 - p^2) U_k'(p) + \tfrac18 \int_0^p (1 - 5 t^2) U_k(t) dt
    """
    u: list[Polynomial] = [[Fraction(1)]]
    for k in range(count):
        following = [Fraction(0)] * (3 * k + 4)
        for power, value in enumerate(u[-1]):
            following[power + 1] += value * (Fraction(power, 2) + Fraction(1, 8 * (power + 1)))
            following[power + 3] -= value * (Fraction(power, 2) + Fraction(5, 8 * (power + 3)))
        u.append(following)
    return u


def _product(a: Polynomial, b: Polynomial) -> Polynomial:
    result = [Fraction(0)] * (len(a) + len(b) - 1)
    for i, left in enumerate(a):
        for j, right in enumerate(b):
            result[i + j] += left * right
    return result
