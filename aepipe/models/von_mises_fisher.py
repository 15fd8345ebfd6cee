r"""The von Mises-Fisher distribution: sampling, density, divergence, all with gradients.

On the unit sphere of R^m, around a direction mu with concentration kappa,

.. math:: q(z) \propto e^{\kappa \mu^T z}

Davidson et al. (2018), "Hyperspherical variational auto-encoders", UAI, section 3. A sphere of d
dimensions lies in m = d + 1 coordinates.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import lgamma, log, pi
from typing import Any, cast, final

import torch
from torch import Generator, Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import normalize

from aepipe.models.bessel import log_moment

PROPOSALS = 3  # for each pending sample at once; one in three is refused at worst
NODES = 64  # of the quadrature; gradients are then exact to about 1e-9
TINY = torch.finfo(torch.float64).tiny
EPSILON = torch.finfo(torch.float64).eps


@final
@dataclass(frozen=True, slots=True)
class VonMisesFisher:
    """A batch of distributions on the unit sphere.

    Attributes:
        direction: mu, ``(batch, m)``, of length 1.
        concentration: kappa, ``(batch, 1)``, positive.
    """

    direction: Tensor
    concentration: Tensor

    @property
    def code(self) -> Tensor:
        """The mean direction ``(batch, m)``."""
        return self.direction

    def sample(self, count: int, generator: Generator) -> Tensor:
        """Draw ``(count, batch, m)``, with exact gradients for direction and concentration.

        A sample is ``w mu + sqrt(1 - w^2) v``: ``w`` by :func:`draw_depth`, ``v`` uniform among the
        unit vectors orthogonal to mu. When mu turns, the sample turns with it by the least
        rotation, under which the density turns as a whole, so that the gradient for mu is that of
        a fixed rotation: unlike a Householder reflection from a pole it has no singular direction.

        Args:
            count: draws from each distribution of the batch.
            generator: on the device of the parameters; all chance comes from it.
        """
        mu = self.direction.expand(count, *self.direction.shape)
        kappa = precise(self.concentration[..., 0]).expand(mu.shape[:-1])
        depth = draw_depth(kappa, mu.shape[-1], generator)
        along = (1 - 2 * depth).to(mu)[..., None]
        across = (2 * (depth * (1 - depth)).sqrt()).to(mu)[..., None]
        here = mu.detach()
        ray = torch.randn(mu.shape, generator=generator, device=mu.device, dtype=mu.dtype)
        ray = normalize(ray - (ray * here).sum(dim=-1, keepdim=True) * here, dim=-1)
        return along * mu + across * (ray - (ray * mu).sum(dim=-1, keepdim=True) * mu)

    def log_density(self, z: Tensor) -> Tensor:
        """Give ``log q(z)`` ``(..., batch)`` for ``z`` ``(..., batch, m)``, per unit of area.

        Written with the distance of ``z`` from mu, which keeps its digits where kappa is large.
        """
        kappa = self.concentration[..., 0]
        moment, _ = moments(kappa, z.shape[-1])
        scale = (precise(kappa) - moment).to(z) - log_area(z.shape[-1])
        return scale - kappa * (z - self.direction).square().sum(dim=-1) / 2

    def divergence(self) -> Tensor:
        r"""Give the divergence from the uniform distribution, ``(batch, 1)``, in nats.

        .. math:: \kappa A_m(\kappa) - \ln M_m(\kappa)

        Davidson et al. (2018), equation 8, with the sphere's area and the normaliser joined to M.
        """
        moment, length = moments(self.concentration, self.direction.shape[-1])
        return (precise(self.concentration) * length - moment).to(self.concentration)

    def entropy(self) -> Tensor:
        """Give the differential entropy ``(batch,)``, in nats."""
        return log_area(self.direction.shape[-1]) - self.divergence()[..., 0]


def log_area(coordinates: int) -> float:
    """Give the logarithm of the area of the unit sphere in that many coordinates."""
    return log(2) + coordinates / 2 * log(pi) - lgamma(coordinates / 2)


def moments(concentration: Tensor, coordinates: int) -> tuple[Tensor, Tensor]:
    """Give ``log E exp(kappa mu . z)`` under the uniform distribution, and its slope ``A_m``.

    Args:
        concentration: kappa, any shape, at least 0; gradients flow to it.
        coordinates: m, at least 2.

    Returns:
        Two float64 tensors of the shape of ``concentration``; see :mod:`aepipe.models.bessel`.
    """
    apply = cast(Callable[..., tuple[Tensor, Tensor]], _Moments.apply)
    return apply(precise(concentration), coordinates)


def precise(values: Tensor) -> Tensor:
    """Give ``values`` in float64, on the processor where their device (Apple's) has no float64."""
    return (values.cpu() if values.device.type == "mps" else values).double()


@final
class _Moments(torch.autograd.Function):
    """:func:`log_moment` with its analytic gradient: value, slope, curvature in one evaluation."""

    @staticmethod
    def forward(ctx: Any, kappa: Tensor, coordinates: int) -> tuple[Tensor, Tensor]:
        value, slope, curvature = log_moment(kappa, coordinates)
        ctx.save_for_backward(slope, curvature)
        return value, slope

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, for_value: Tensor, for_slope: Tensor) -> tuple[Tensor, None]:
        slope, curvature = ctx.saved_tensors
        return for_value * slope + for_slope * curvature, None


def draw_depth(concentration: Tensor, coordinates: int, generator: Generator) -> Tensor:
    r"""Draw the depth ``y = (1 - mu . z) / 2`` below the mode, by rejection.

    Wood (1994), "Simulation of the von Mises Fisher distribution", algorithm VM*, after Ulrich
    (1984). Its proposals are images of a Beta variable, here of the height of a uniform point of
    the sphere, which has that Beta distribution. Written with y, nothing is subtracted from a
    number near it, so that large concentrations keep their digits.

    The gradient is the implicit one (Figurnov, Mohamed and Mnih 2018, "Implicit reparameterization
    gradients", equation 5): it asks for the distribution of the accepted samples, not for how they
    came about. So it is exact without the correction for rejections that the explicit gradient
    through the proposal needs (Naesseth et al. 2017; Davidson et al. 2018, appendix D).

    Args:
        concentration: kappa, float64, any shape, not negative; gradients flow to it.
        coordinates: m, at least 2.
        generator: all chance comes from it.

    Returns:
        Depths in (0, 1), of the shape of ``concentration``.
    """
    kappa = concentration.detach().flatten()
    depth = torch.zeros_like(kappa)
    pending = torch.arange(len(kappa), device=kappa.device)
    while len(pending):
        proposed, accepted = _propose(kappa[pending], coordinates, generator)
        first = accepted.int().argmax(dim=1, keepdim=True)  # of those accepted
        depth[pending] = proposed.gather(1, first)[:, 0]
        pending = pending[~accepted.any(dim=1)]
    apply = cast(Callable[..., Tensor], _Implicit.apply)
    return apply(concentration, depth.view(concentration.shape), coordinates)


def _propose(kappa: Tensor, coordinates: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """Give proposed depths and whether they are accepted, each ``(len(kappa), PROPOSALS)``."""
    size = (len(kappa), PROPOSALS, coordinates)
    normals = precise(torch.randn(size, generator=generator, device=generator.device))
    coins = precise(torch.rand(size[:2], generator=generator, device=generator.device))
    beta = (1 - normals[..., 0] / normals.norm(dim=-1)) / 2  # Beta((m - 1) / 2, (m - 1) / 2)

    m, k = coordinates - 1, kappa[:, None]  # m as Wood writes it: the dimensions of the sphere
    b = m / (2 * k + (4 * k.square() + m**2).sqrt())
    depth = (b * beta / (1 - (1 - b) * beta)).clamp(TINY, 1 - EPSILON)
    rest = 2 * b / (1 + b)  # 1 - x0 in Wood
    ratio = (rest + 2 * depth * (1 - rest)) / (rest * (2 - rest))  # (1 - x0 w) / (1 - x0^2)
    return depth, k * (rest - 2 * depth) + m * ratio.log() >= coins.log()


@final
class _Implicit(torch.autograd.Function):
    """The identity on drawn depths, with the gradient that they owe to the concentration."""

    @staticmethod
    def forward(ctx: Any, kappa: Tensor, depth: Tensor, coordinates: int) -> Tensor:
        ctx.save_for_backward(kappa, depth)
        ctx.coordinates = coordinates
        return depth.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        kappa, depth = ctx.saved_tensors
        return gradient * depth_slope(kappa, depth, ctx.coordinates), None, None


def depth_slope(kappa: Tensor, depth: Tensor, coordinates: int) -> Tensor:
    r"""Give the derivative of a depth by the concentration at a fixed quantile.

    .. math:: \frac{dy}{d\kappa} = -\frac{1}{f(y)} \frac{\partial F(y)}{\partial \kappa}
        = -2 \int_0^y (\bar y - u) \frac{f(u)}{f(y)} du,
        \qquad f(y) \propto e^{-2 \kappa y} (y (1 - y))^{(m - 3) / 2}

    With ``u = y r^2`` the integrand has no root at 0, and Gauss-Legendre quadrature is exact to
    about nine digits for any depth that occurs. Beyond one half the integral is taken from the
    other end, where the same formula holds with ``1 - y`` and ``-kappa``.

    Args:
        kappa: float64, any shape.
        depth: of the same shape, in (0, 1).
        coordinates: m.
    """
    mean = (1 - log_moment(kappa, coordinates)[1]) / 2
    beyond = depth > 0.5
    y = torch.where(beyond, 1 - depth, depth)[..., None]
    mean = torch.where(beyond, 1 - mean, mean)[..., None]
    rate = 2 * torch.where(beyond, -kappa, kappa)[..., None]
    root, weight = (values.to(y) for values in gauss_legendre(NODES))
    inner = y * (1 - root.square())
    power = (coordinates - 3) / 2 * (inner / (1 - y)).log1p() + (coordinates - 2) * root.log()
    integrand = (mean - y + inner) * (rate * inner + power).exp()
    return -4 * (y * integrand * weight).sum(dim=-1)


@lru_cache(maxsize=1)
def gauss_legendre(count: int) -> tuple[Tensor, Tensor]:
    """Give nodes in (0, 1) and weights, each ``(count,)`` in float64.

    Golub and Welsch (1969), "Calculation of Gauss quadrature rules": eigenvalues of the Jacobi
    matrix, and squared first entries of its eigenvectors.
    """
    k = torch.arange(1, count, dtype=torch.float64)
    beside = k / (4 * k.square() - 1).sqrt()
    nodes, vectors = torch.linalg.eigh(torch.diag(beside, -1))  # reads the lower triangle
    return (nodes + 1) / 2, vectors[0].square()
