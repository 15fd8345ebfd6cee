"""The variational autoencoder."""

import math
from collections.abc import Sequence
from typing import Literal, final

import torch
from torch import Generator, Tensor, nn

from aepipe.models.outputs import Activation, mean
from aepipe.models.perceptron import perceptron


@final
class VariationalAutoencoder(nn.Module):
    """Dense VAE with a diagonal Gaussian posterior and a standard normal prior.

    Kingma and Welling (2014), "Auto-encoding variational Bayes", ICLR, appendix C.

    Args:
        shape: of one sample.
        widths: hidden widths of the encoder, input side first; the decoder mirrors them.
        code_size: latent dimensions.
        nonlinearity: of the hidden layers.
        likelihood: of a sample given its latent variable; ``bernoulli`` needs data in [0, 1].
        variance: of the Gaussian likelihood, in squared units of the data; where it is to be
            learned, its starting value. Not used by ``bernoulli``.

    Shapes:
        input and output ``(batch, *shape)``; latent ``(batch, code_size)``.
    """

    def __init__(
        self,
        shape: Sequence[int],
        widths: Sequence[int],
        code_size: int,
        nonlinearity: Activation,
        likelihood: Literal["bernoulli", "gaussian", "gaussian_learned"],
        variance: float,
    ) -> None:
        super().__init__()
        self.shape = tuple(shape)
        self.code_size = code_size
        self.likelihood = likelihood
        features = torch.Size(shape).numel()
        hidden: list[Activation] = [nonlinearity] * len(widths)
        self.trunk = perceptron([features, *widths], hidden)
        top = widths[-1] if widths else features
        self.posterior_mean = nn.Linear(top, code_size)
        self.posterior_log_variance = nn.Linear(top, code_size)
        self.decoder = perceptron([code_size, *widths[::-1], features], [*hidden, "linear"])
        learned = likelihood == "gaussian_learned"
        self.log_variance = nn.Parameter(torch.tensor(math.log(variance)), requires_grad=learned)

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Give mean and log-variance of the posterior of ``x``, each ``(batch, code_size)``."""
        hidden = self.trunk(x.flatten(1))
        return self.posterior_mean(hidden), self.posterior_log_variance(hidden)

    def encode(self, x: Tensor) -> Tensor:
        """Give the posterior mean ``(batch, code_size)``, the usual code of a VAE."""
        return self.posterior(x)[0]

    def decode(self, latent: Tensor) -> Tensor:
        """Give the raw output ``(batch, *shape)``: logits or the Gaussian's mean."""
        raw: Tensor = self.decoder(latent)
        return raw.view(-1, *self.shape)

    def mean(self, raw: Tensor) -> Tensor:
        """Turn the raw output into the units of the input."""
        return mean(raw, "bernoulli" if self.likelihood == "bernoulli" else "squared")


def sample(mean: Tensor, log_variance: Tensor, generator: Generator) -> Tensor:
    """Draw from a diagonal Gaussian by the reparametrisation trick.

    Kingma and Welling (2014), section 2.4; gradients reach both arguments.

    Args:
        mean: ``(batch, code_size)``.
        log_variance: of the same shape.
        generator: on the device of ``mean``.
    """
    noise = torch.randn(mean.shape, generator=generator, device=mean.device, dtype=mean.dtype)
    return mean + torch.exp(log_variance / 2) * noise
