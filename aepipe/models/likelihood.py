"""What a decoder's raw output says of a sample: ``log p(x | z)``, in nats, and its mean."""

import math
from typing import Literal, NotRequired, Protocol, TypedDict, final

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid, mse_loss

LEAST_LOG_SCALE = -7.0  # of pixels in [0, 1]: a tenth of a percent; below it gradients explode


class LikelihoodArguments(TypedDict):
    """A likelihood as ``model.json`` keeps it."""

    kind: Literal["bernoulli", "gaussian", "gaussian_learned", "discretised_logistic"]
    variance: NotRequired[float]
    """Of the Gaussian, in squared units of the data; its starting value where it is learned."""
    levels: NotRequired[int]
    """Of the discretised logistic: how many values a pixel can have, 0 and 1 included."""


class Likelihood(Protocol):
    """Every module here."""

    outputs: int
    """Raw outputs for each feature."""

    def __call__(self, raw: Tensor, x: Tensor) -> Tensor:
        """Give ``log p(x | z)``, ``(..., batch)``.

        Args:
            raw: ``(..., batch, outputs * features)``.
            x: ``(batch, features)``.
        """
        ...

    def mean(self, raw: Tensor) -> Tensor:
        """Give the expected sample ``(..., features)`` for ``raw``."""
        ...


@final
class BernoulliLikelihood(nn.Module):
    """Independent coins, whose logits are ``raw``; Kingma and Welling (2014), appendix C.1.

    For samples between 0 and 1 this is the usual cross-entropy, not the logarithm of a probability.
    """

    outputs = 1

    def forward(self, raw: Tensor, x: Tensor) -> Tensor:
        """Give ``log p(x | z)``; ``x`` in [0, 1]."""
        target = x.expand_as(raw)
        return -binary_cross_entropy_with_logits(raw, target, reduction="none").sum(dim=-1)

    def mean(self, raw: Tensor) -> Tensor:
        """Give the probabilities."""
        return torch.sigmoid(raw)


@final
class GaussianLikelihood(nn.Module):
    """Normals of one variance around ``raw``; Kingma and Welling (2014), appendix C.2.

    Args:
        variance: in squared units of the data.
        learned: whether that is only where it starts.
    """

    outputs = 1

    def __init__(self, variance: float, learned: bool) -> None:
        super().__init__()
        self.log_variance = nn.Parameter(torch.tensor(math.log(variance)), requires_grad=learned)

    def forward(self, raw: Tensor, x: Tensor) -> Tensor:
        """Give ``log p(x | z)``, a density."""
        spread, features = self.log_variance, raw.shape[-1]
        squared = mse_loss(raw, x.expand_as(raw), reduction="none").sum(dim=-1)
        constant = features * (spread + math.log(2 * math.pi))
        return -(squared * torch.exp(-spread) + constant) / 2

    def mean(self, raw: Tensor) -> Tensor:
        """Give ``raw`` as it is."""
        return raw


@final
class DiscretisedLogistic(nn.Module):
    r"""Logistic distributions, cut into the values that a pixel can have.

    .. math:: P(x) = \sigma\Bigl(\frac{x + h - \mu}{s}\Bigr)
              - \sigma\Bigl(\frac{x - h - \mu}{s}\Bigr),
              \qquad h = \frac{1}{2 (\mathrm{levels} - 1)}

    where the lowest value has all that lies below it and the highest all above. Kingma et al.
    (2016), "Improved variational inference with inverse autoregressive flow", appendix; Salimans et
    al. (2017), "PixelCNN++", equation 2, with one component. Location and log-scale of each pixel
    are the decoder's.

    Args:
        levels: equally spaced values from 0 to 1: 256 for 8-bit pixels.
    """

    outputs = 2

    def __init__(self, levels: int) -> None:
        super().__init__()
        self.levels = levels

    def forward(self, raw: Tensor, x: Tensor) -> Tensor:
        """Give ``log p(x | z)``; each ``x`` is a whole multiple of ``1 / (levels - 1)``."""
        location, scale = self._located(raw)
        half = 0.5 / (self.levels - 1)
        upper, lower = (x + half - location) / scale, (x - half - location) / scale
        # the difference of the two sigmoids, factored so that nothing cancels
        inside = torch.log(-torch.expm1(-2 * half / scale))
        each = torch.where(x < half, 0.0, logsigmoid(-lower))
        each = each + torch.where(x > 1 - half, 0.0, logsigmoid(upper))
        each = each + torch.where((x < half) | (x > 1 - half), 0.0, inside)
        return each.sum(dim=-1)

    def mean(self, raw: Tensor) -> Tensor:
        """Give the expected pixel: the mean, over all cuts between values, of ``P(x > cut)``."""
        location, scale = self._located(raw)
        above = torch.zeros_like(location)
        for cut in range(self.levels - 1):
            above += torch.sigmoid((location - (cut + 0.5) / (self.levels - 1)) / scale)
        return above / (self.levels - 1)

    def _located(self, raw: Tensor) -> tuple[Tensor, Tensor]:
        location, log_scale = raw.chunk(2, dim=-1)
        return location, log_scale.clamp(min=LEAST_LOG_SCALE).exp()


def build_likelihood(arguments: LikelihoodArguments) -> nn.Module:
    """Give the :class:`Likelihood` that ``arguments`` describe."""
    match arguments["kind"]:
        case "bernoulli":
            return BernoulliLikelihood()
        case "gaussian":
            return GaussianLikelihood(arguments["variance"], learned=False)
        case "gaussian_learned":
            return GaussianLikelihood(arguments["variance"], learned=True)
        case "discretised_logistic":
            return DiscretisedLogistic(arguments["levels"])
