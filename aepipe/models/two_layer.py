"""Variational autoencoder with two latent variables, one above the other."""

from collections.abc import Sequence
from typing import TypedDict, cast, final

from torch import Generator, Tensor, nn

from aepipe.models.latent import DiagonalGaussian, GaussianHead, Inference, Latent, Step, draw_prior
from aepipe.models.likelihood import Likelihood, LikelihoodArguments, build_likelihood
from aepipe.models.outputs import Activation
from aepipe.models.perceptron import perceptron
from aepipe.models.trunk import Trunk, decoder_trunk, encoder_trunk


class Upper(TypedDict):
    """The layers between the two latent variables, as ``model.json`` keeps them."""

    widths: Sequence[int]
    """From the lower to the upper one; the way back mirrors them."""
    code_size: int
    """Features of the upper one."""
    nonlinearity: Activation


@final
class TwoLayerVariational(nn.Module):
    r"""Two stochastic layers, inferred from below and generated from above.

    .. math:: q(h_1 | x)\, q(h_2 | h_1), \qquad p(h_2)\, p(h_1 | h_2)\, p(x | h_1)

    Burda, Grosse and Salakhutdinov (2016), "Importance weighted autoencoders", ICLR, section 5: all
    of them diagonal Gaussians but the likelihood. The code is the lower variable's posterior mean.

    Args:
        shape: of one sample.
        trunk: hidden layers between samples and the lower variable.
        code_size: features of the lower variable.
        likelihood: of a sample given the lower variable.
        upper: hidden layers between the two variables, and the size of the upper one.

    Shapes:
        as :class:`aepipe.models.vae.VariationalAutoencoder`.
    """

    def __init__(
        self,
        shape: Sequence[int],
        trunk: Trunk,
        code_size: int,
        likelihood: LikelihoodArguments,
        upper: Upper,
    ) -> None:
        super().__init__()
        self.shape = tuple(shape)
        self.code_size = code_size
        self.latent: Latent = "gaussian"
        self.likelihood = build_likelihood(likelihood)
        self.trunk, features = encoder_trunk(trunk, self.shape)
        self.head = GaussianHead(features, code_size)
        hidden: list[Activation] = [upper["nonlinearity"]] * len(upper["widths"])
        sizes = [code_size, *upper["widths"], upper["code_size"]]
        self.upper_code_size = upper["code_size"]
        self.upper_trunk = perceptron(sizes[:-1], hidden)
        self.upper_head = GaussianHead(sizes[-2], sizes[-1])
        self.prior_trunk = perceptron(sizes[:0:-1], hidden)
        self.prior_head = GaussianHead(sizes[1], code_size)
        outputs = cast(Likelihood, self.likelihood).outputs
        self.decoder = decoder_trunk(trunk, self.shape, code_size, outputs)

    def posterior(self, x: Tensor) -> DiagonalGaussian:
        """Give the posterior of the lower variable."""
        gaussian: DiagonalGaussian = self.head(self.trunk(x))
        return gaussian

    def encode(self, x: Tensor) -> Tensor:
        """Give the mean of the lower variable, ``(batch, code_size)``."""
        return self.posterior(x).code

    def decode(self, code: Tensor) -> Tensor:
        """Give the raw output ``(batch, outputs * features)``."""
        raw: Tensor = self.decoder(code)
        return raw

    def mean(self, raw: Tensor) -> Tensor:
        """Give the expected sample ``(batch, *shape)``, in the units of the input."""
        return cast(Likelihood, self.likelihood).mean(raw).view(-1, *self.shape)

    def infer(self, x: Tensor, count: int, generator: Generator) -> Inference:
        """Draw the lower variable ``count`` times, the upper once for each, and decode."""
        below = self.posterior(x)
        lower = below.sample(count, generator)
        above: DiagonalGaussian = self.upper_head(self.upper_trunk(lower))
        upper = above.sample(1, generator)[0]
        believed: DiagonalGaussian = self.prior_head(self.prior_trunk(upper))
        raw = self.decode(lower.flatten(0, 1)).view(count, len(x), -1)
        return Inference(raw, (Step(lower, below, believed), Step(upper, above, "gaussian")))

    def prior(self, count: int, generator: Generator) -> Tensor:
        """Draw the upper variable, then the lower one given it, ``(count, code_size)``."""
        upper = draw_prior("gaussian", count, self.upper_code_size, generator)
        believed: DiagonalGaussian = self.prior_head(self.prior_trunk(upper))
        return believed.sample(1, generator)[0]

    def centre(self, mean: Tensor) -> Tensor:
        """Give the lower variable's mean in the middle of the upper one's prior."""
        believed: DiagonalGaussian = self.prior_head(
            self.prior_trunk(mean.new_zeros(1, self.upper_code_size))
        )
        return believed.mean[0]
