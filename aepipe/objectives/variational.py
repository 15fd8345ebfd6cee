"""Objectives of variational networks: lower bounds of ``log p(x)``, negated, in nats."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from torch import Generator, Tensor

from aepipe.models.vae import (
    VariationalNetwork,
    importance_bound,
    log_likelihood,
    log_weights,
)
from aepipe.objectives.loss import Batch, Loss, Terms

Schedule = Callable[[int], float]


@final
@dataclass(frozen=True, slots=True)
class Weighting:
    """How much each part of the evidence lower bound counts.

    Attributes:
        reconstruction: factor of the reconstruction term; 0 leaves the divergence alone.
        divergence: factor of the divergence in an epoch, from 1 on; 0 leaves the reconstruction.
        free_bits: nats of each group of latent dimensions that cost nothing.
    """

    reconstruction: float
    divergence: Schedule
    free_bits: float


def evidence_lower_bound(
    network: VariationalNetwork, weighting: Weighting, binarised: bool
) -> Loss:
    """Negative evidence lower bound with one draw from the posterior.

    Kingma and Welling (2014), equation 10 with L = 1; a weight other than 1 on the divergence is
    Higgins et al. (2017).

    Args:
        network: in training or evaluation mode.
        weighting: of the two parts.
        binarised: whether each presentation is a fresh draw of coins from the pixels.
    """

    def loss(batch: Batch, noise: Generator, epoch: int) -> Terms:
        shown, target = presented(batch, noise) if binarised else (batch.input, batch.target)
        inference = network.infer(shown, 1, noise)
        fit = log_likelihood(network, inference.raw, target).mean()
        cost = free(inference.divergence(), weighting.free_bits)
        return {
            "reconstruction": -weighting.reconstruction * fit,
            "kl": weighting.divergence(epoch) * cost,
        }

    return loss


def importance_weighted_bound(network: VariationalNetwork, count: int, binarised: bool) -> Loss:
    """Negative importance-weighted bound with ``count`` draws; with one it is the ELBO.

    Burda, Grosse and Salakhutdinov (2016), "Importance weighted autoencoders", ICLR, equation 8.
    """

    def loss(batch: Batch, noise: Generator, epoch: int) -> Terms:
        shown, target = presented(batch, noise) if binarised else (batch.input, batch.target)
        inference = network.infer(shown, count, noise)
        return {"bound": -importance_bound(log_weights(network, inference, target)).mean()}

    return loss


def presented(batch: Batch, noise: Generator) -> tuple[Tensor, Tensor]:
    """Draw each pixel as a coin with its grey value, for input and target alike.

    Salakhutdinov and Murray (2008), "On the quantitative analysis of deep belief networks", with a
    fresh draw at each presentation as in Burda et al. (2016), section 5.

    Args:
        batch: of samples in [0, 1]; where input and target differ they share the coins' throws.
        noise: in validation the same each epoch, and so are the draws.
    """
    throws = torch.rand(batch.target.shape, generator=noise, device=batch.target.device)
    return (throws < batch.input).to(batch.input), (throws < batch.target).to(batch.target)


def free(divergence: Tensor, bits: float) -> Tensor:
    r"""Sum the divergence of the groups, each at least ``bits``, over the groups.

    .. math:: \sum_j \max\bigl(\lambda, E_{x \in \mathrm{batch}}\, KL_j\bigr)

    Kingma et al. (2016), "Improved variational inference with inverse autoregressive flow",
    equation 15. Below ``bits`` a group has no gradient: it may say that much for nothing.

    Args:
        divergence: ``(count, batch, groups)``, in nats.
        bits: lambda, in nats despite its name; 0 for the plain divergence, where no group is cut.

    Returns:
        Scalar, mean over the batch.
    """
    if not bits:
        return divergence.sum(dim=-1).mean()
    return divergence.mean(dim=(0, 1)).clamp(min=bits).sum()


def linear_warmup(weight: float, epochs: int) -> Schedule:
    """Rise linearly to ``weight`` over ``epochs``; with 0 it is constant.

    Sonderby et al. (2016), "Ladder variational autoencoders", section 2.3.
    """
    return lambda epoch: weight * min(1.0, epoch / epochs if epochs else 1.0)


def cyclical(weight: float, cycles: int, rise: float, epochs: int) -> Schedule:
    r"""Rise linearly from 0 to ``weight`` in the first part of each cycle, then stay.

    .. math:: \beta_t = \min\Bigl(1, \frac{\tau}{R}\Bigr), \qquad
              \tau = \frac{(t - 1) \bmod \lceil T / M \rceil}{T / M}

    Fu et al. (2019), "Cyclical annealing schedule: a simple approach to mitigating KL vanishing",
    equations 6 and 7, with epochs for steps.

    Args:
        weight: at the top.
        cycles: M.
        rise: R, the share of a cycle in which the weight rises, in (0, 1].
        epochs: T, of the whole training.
    """
    length = -(-epochs // cycles)
    return lambda epoch: weight * min(1.0, (epoch - 1) % length / (epochs / cycles) / rise)
