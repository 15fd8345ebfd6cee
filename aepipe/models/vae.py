"""Variational autoencoders with one latent variable."""

from collections.abc import Sequence
from typing import Protocol, cast, final

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import normalize

from aepipe.models.latent import Inference, Latent, Posterior, Step, draw_prior, posterior_head
from aepipe.models.likelihood import Likelihood, LikelihoodArguments, build_likelihood
from aepipe.models.trunk import Trunk, decoder_trunk, encoder_trunk


class VariationalNetwork(Protocol):
    """What losses, pictures and figures ask of every variational network."""

    shape: tuple[int, ...]
    code_size: int
    latent: Latent
    likelihood: nn.Module

    def posterior(self, x: Tensor) -> Posterior:
        """Give the posterior of the latent variable that is the code."""
        ...

    def encode(self, x: Tensor) -> Tensor:
        """Give where the posterior is centred, ``(batch, code_size)``, the usual code."""
        ...

    def decode(self, code: Tensor) -> Tensor:
        """Give the raw output for ``(batch, code_size)``."""
        ...

    def mean(self, raw: Tensor) -> Tensor:
        """Give the expected sample ``(batch, *shape)``."""
        ...

    def infer(self, x: Tensor, count: int, generator: Generator) -> Inference:
        """Draw latent variables ``count`` times for each of ``(batch, *shape)``, and decode."""
        ...

    def prior(self, count: int, generator: Generator) -> Tensor:
        """Draw codes ``(count, code_size)`` as the network believes they are."""
        ...

    def centre(self, mean: Tensor) -> Tensor:
        """Give the middle of the prior of codes; where it has none, of codes of that mean."""
        ...


@final
class VariationalAutoencoder(nn.Module):
    """Encoder, posterior, decoder and likelihood.

    Kingma and Welling (2014), "Auto-encoding variational Bayes", ICLR, appendix C, with a diagonal
    Gaussian posterior; Davidson et al. (2018), "Hyperspherical variational auto-encoders", UAI,
    with a von Mises-Fisher one.

    Args:
        shape: of one sample.
        trunk: hidden layers of the encoder; the decoder mirrors them.
        code_size: coordinates of the latent variable; a sphere has one dimension less.
        likelihood: of a sample given its latent variable.
        latent: family of posterior and prior.

    Shapes:
        input ``(batch, *shape)``; code ``(batch, code_size)``; raw output
        ``(batch, outputs * features)``, as the likelihood reads it.

    Raises:
        ValueError: the image is too small for the trunk.
    """

    def __init__(
        self,
        shape: Sequence[int],
        trunk: Trunk,
        code_size: int,
        likelihood: LikelihoodArguments,
        latent: Latent,
    ) -> None:
        super().__init__()
        self.shape = tuple(shape)
        self.code_size = code_size
        self.latent: Latent = latent
        self.likelihood = build_likelihood(likelihood)
        self.trunk, features = encoder_trunk(trunk, self.shape)
        self.head = posterior_head(latent, features, code_size)
        outputs = cast(Likelihood, self.likelihood).outputs
        self.decoder = decoder_trunk(trunk, self.shape, code_size, outputs)

    def posterior(self, x: Tensor) -> Posterior:
        """Give the posterior of ``x``."""
        return cast(Posterior, self.head(self.trunk(x)))

    def encode(self, x: Tensor) -> Tensor:
        """Give where the posterior is centred, ``(batch, code_size)``, the usual code of a VAE."""
        return self.posterior(x).code

    def decode(self, code: Tensor) -> Tensor:
        """Give the raw output ``(batch, outputs * features)``."""
        raw: Tensor = self.decoder(code)
        return raw

    def mean(self, raw: Tensor) -> Tensor:
        """Give the expected sample ``(batch, *shape)``, in the units of the input."""
        return cast(Likelihood, self.likelihood).mean(raw).view(-1, *self.shape)

    def infer(self, x: Tensor, count: int, generator: Generator) -> Inference:
        """Draw from the posterior of ``x`` ``count`` times and decode."""
        posterior = self.posterior(x)
        latent = posterior.sample(count, generator)
        raw = self.decode(latent.flatten(0, 1)).view(count, len(x), -1)
        return Inference(raw, (Step(latent, posterior, self.latent),))

    def prior(self, count: int, generator: Generator) -> Tensor:
        """Draw from the prior, ``(count, code_size)``, on the device of ``generator``."""
        return draw_prior(self.latent, count, self.code_size, generator)

    def centre(self, mean: Tensor) -> Tensor:
        """Give 0, the prior's mean; on the sphere, which has no middle, ``mean`` itself."""
        return torch.zeros_like(mean) if self.latent == "gaussian" else normalize(mean, dim=-1)


def log_likelihood(network: VariationalNetwork, raw: Tensor, target: Tensor) -> Tensor:
    """Give ``log p(x | z)`` in nats, ``(..., batch)``, whatever precision ``raw`` came in.

    Args:
        network: whose likelihood it is.
        raw: ``(..., batch, outputs * features)``.
        target: ``(batch, *shape)``.
    """
    likelihood = cast(Likelihood, network.likelihood)
    return likelihood(raw.float(), target.flatten(1))


def log_weights(network: VariationalNetwork, inference: Inference, target: Tensor) -> Tensor:
    """Give ``log p(x, z) / q(z | x)`` of each draw, ``(count, batch)``, in nats."""
    return log_likelihood(network, inference.raw, target) - inference.log_ratio()


def importance_bound(weights: Tensor) -> Tensor:
    r"""Give the logarithm of the mean weight, ``(batch,)``, from ``(count, batch)`` logarithms.

    .. math:: \ln \frac1k \sum_i e^{w_i}

    Burda, Grosse and Salakhutdinov (2016), "Importance weighted autoencoders", ICLR, equation 8.
    """
    count = torch.tensor(float(len(weights)), device=weights.device, dtype=weights.dtype)
    return weights.logsumexp(dim=0) - count.log()
