"""Latent variables: what an encoder believes of them, against what is believed beforehand."""

import math
from dataclasses import dataclass
from typing import Literal, Protocol, final

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import normalize, softplus

from aepipe.models.von_mises_fisher import VonMisesFisher, log_area

Latent = Literal["gaussian", "hyperspherical"]


class Posterior(Protocol):
    """What is believed of the latent variables of a batch, once their samples are seen."""

    @property
    def code(self) -> Tensor:
        """Where it is centred, ``(batch, code_size)``."""
        ...

    def sample(self, count: int, generator: Generator) -> Tensor:
        """Draw ``(count, batch, code_size)``, with gradients for what the encoder gave."""
        ...

    def log_density(self, z: Tensor) -> Tensor:
        """Give ``log q(z)`` ``(..., batch)`` for ``z`` ``(..., batch, code_size)``, in nats."""
        ...

    def divergence(self) -> Tensor:
        """Give the divergence from the prior, exactly: ``(batch, groups)``, summing to it."""
        ...


@final
@dataclass(frozen=True, slots=True)
class DiagonalGaussian:
    """Independent normals; Kingma and Welling (2014), appendix B and C.

    Attributes:
        mean: ``(..., batch, code_size)``.
        log_variance: of the same shape.
    """

    mean: Tensor
    log_variance: Tensor

    @property
    def code(self) -> Tensor:
        """The mean."""
        return self.mean

    def sample(self, count: int, generator: Generator) -> Tensor:
        """Draw ``(count, *mean.shape)`` by the reparametrisation trick (section 2.4).

        Args:
            count: draws from each distribution of the batch.
            generator: on the device of the mean.
        """
        size, like = (count, *self.mean.shape), self.mean
        noise = torch.randn(size, generator=generator, device=like.device, dtype=like.dtype)
        return self.mean + torch.exp(self.log_variance / 2) * noise

    def log_density(self, z: Tensor) -> Tensor:
        """Sum the logarithms over the last dimension."""
        squared = (z - self.mean).square() * torch.exp(-self.log_variance)
        return -(squared + self.log_variance + math.log(2 * math.pi)).sum(dim=-1) / 2

    def divergence(self) -> Tensor:
        """Give the divergence from the standard normal for each latent dimension, in nats."""
        return (self.mean.square() + self.log_variance.exp() - 1 - self.log_variance) / 2


@final
class GaussianHead(nn.Module):
    """Mean and log-variance, linear in the encoder's last hidden layer."""

    def __init__(self, features: int, code_size: int) -> None:
        super().__init__()
        self.mean = nn.Linear(features, code_size)
        self.log_variance = nn.Linear(features, code_size)

    def forward(self, hidden: Tensor) -> DiagonalGaussian:
        """Give the posterior for ``hidden``, ``(..., batch, features)``."""
        return DiagonalGaussian(self.mean(hidden).float(), self.log_variance(hidden).float())


@final
class HypersphericalHead(nn.Module):
    """Direction and concentration; Davidson et al. (2018), section 5.

    The concentration is ``softplus + 1``, so that no posterior is all but uniform, where its
    direction would have no gradient.

    Args:
        features: of the encoder's last hidden layer.
        code_size: coordinates of a direction: one more than the sphere has dimensions.
    """

    def __init__(self, features: int, code_size: int) -> None:
        super().__init__()
        self.direction = nn.Linear(features, code_size)
        self.concentration = nn.Linear(features, 1)

    def forward(self, hidden: Tensor) -> VonMisesFisher:
        """Give the posterior for ``hidden``, ``(..., batch, features)``."""
        direction = normalize(self.direction(hidden).float(), dim=-1)
        return VonMisesFisher(direction, softplus(self.concentration(hidden).float()) + 1)


def posterior_head(latent: Latent, features: int, code_size: int) -> nn.Module:
    """Give what turns an encoder's last hidden layer into a :class:`Posterior`."""
    match latent:
        case "gaussian":
            return GaussianHead(features, code_size)
        case "hyperspherical":
            return HypersphericalHead(features, code_size)


def draw_prior(latent: Latent, count: int, code_size: int, generator: Generator) -> Tensor:
    """Draw from the standard normal, or uniformly from the sphere, ``(count, code_size)``."""
    normals = torch.randn(count, code_size, generator=generator, device=generator.device)
    return normalize(normals, dim=-1) if latent == "hyperspherical" else normals


def log_prior(latent: Latent, z: Tensor) -> Tensor:
    """Give ``log p(z)`` ``(...)`` for ``z`` ``(..., code_size)``, in nats."""
    match latent:
        case "gaussian":
            return -(z.square() + math.log(2 * math.pi)).sum(dim=-1) / 2
        case "hyperspherical":
            return torch.full_like(z[..., 0], -log_area(z.shape[-1]))


@final
@dataclass(frozen=True, slots=True)
class Step:
    """One latent variable of a network, drawn.

    Attributes:
        latent: ``(count, batch, code_size)``, drawn from ``posterior``.
        posterior: from which it was drawn.
        prior: what the network believes of it given the variables above it; or, at the top, the
            kind of the fixed prior.
    """

    latent: Tensor
    posterior: Posterior
    prior: DiagonalGaussian | Latent

    def log_ratio(self) -> Tensor:
        """Give ``log q - log p`` of what was drawn, ``(count, batch)``, in nats."""
        below = (
            self.prior.log_density(self.latent)
            if isinstance(self.prior, DiagonalGaussian)
            else log_prior(self.prior, self.latent)
        )
        return self.posterior.log_density(self.latent) - below

    def divergence(self) -> Tensor:
        """Give the divergence ``(count, batch, groups)``, whose sum is the ELBO's, in nats.

        Exact under a fixed prior; else the draw's own estimate, for the variables above it depend
        on the draw.
        """
        if isinstance(self.prior, DiagonalGaussian):
            return self.log_ratio()[..., None]
        exact = self.posterior.divergence()
        return exact.expand(len(self.latent), *exact.shape[-2:])


@final
@dataclass(frozen=True, slots=True)
class Inference:
    """What a variational network makes of a batch.

    Attributes:
        raw: the decoder's output for each draw, ``(count, batch, ...)``.
        steps: the latent variables, the lowest first.
    """

    raw: Tensor
    steps: tuple[Step, ...]

    def log_ratio(self) -> Tensor:
        """Give ``log q(z | x) - log p(z)`` of the draws, ``(count, batch)``, in nats."""
        return torch.stack([step.log_ratio() for step in self.steps]).sum(dim=0)

    def divergence(self) -> Tensor:
        """Give the divergence of each group of latent dimensions, ``(count, batch, groups)``."""
        return torch.cat([step.divergence() for step in self.steps], dim=-1)
