"""Terms added to a reconstruction error: functions of the code ``(batch, units)`` or the weights.

Those of the encoder's Jacobian are in :mod:`aepipe.objectives.contraction`.
"""

import math
from collections.abc import Iterable
from typing import final

import torch
from torch import Tensor, nn

from aepipe.objectives.loss import Seen


def l1(code: Tensor) -> Tensor:
    """Sum of absolute activations, mean over the batch, in units of the code.

    Args:
        code: ``(batch, units)``, any range.
    """
    return code.abs().sum(dim=1).mean()


def kl_sparsity(code: Tensor, target: float) -> Tensor:
    r"""Divergence of each unit's mean activation from a target, summed over units, in nats.

    .. math:: \sum_j \rho \ln\frac{\rho}{\hat\rho_j} + (1-\rho)\ln\frac{1-\rho}{1-\hat\rho_j}

    Lee, Ekanadham and Ng (2008), NIPS 20, in the form of Ng's "Sparse autoencoder" notes (CS294A),
    section 3, with the mean taken over the batch.

    Args:
        code: ``(batch, units)``, in (0, 1).
        target: rho, in (0, 1).
    """
    return _bernoulli_divergence(code.mean(dim=0), target)


@final
class RunningSparsity(nn.Module):
    r"""Divergence of each unit's mean activation over many batches from a target, in nats.

    As :func:`kl_sparsity`, with the mean over the batch replaced by an exponential moving average:

    .. math:: \hat\rho_j \leftarrow \lambda \hat\rho_j + (1 - \lambda) \bar h_j

    Lee, Ekanadham and Ng (2008), NIPS 20, and Hinton, "A practical guide to training restricted
    Boltzmann machines" (2010), section 11: a batch too small to show the mean of a rare unit.

    Its value and slope are those at the running estimate; the slope is passed on through the mean
    of the present batch as if that were the estimate, so that the pull does not weaken as
    ``decay`` grows. The estimate starts at the first batch, by dividing by the weight that the
    batches so far have had. In validation it is left alone, and the batch's own mean counts.

    Args:
        units: features of the code.
        target: rho, in (0, 1).
        decay: lambda, in (0, 1): about 1 / (1 - decay) batches count.
    """

    estimate: Tensor
    weight: Tensor

    def __init__(self, units: int, target: float, decay: float) -> None:
        super().__init__()
        self.target, self.decay = target, decay
        self.register_buffer("estimate", torch.zeros(units))
        self.register_buffer("weight", torch.zeros(()))

    def forward(self, seen: Seen) -> Tensor:
        """Give the divergence, summed over units, of ``seen.code``, in (0, 1).

        Raises:
            ValueError: the code has another number of units than the estimate.
        """
        code = seen.code
        if code.shape[1] != len(self.estimate):
            raise ValueError(
                f"a code of {code.shape[1]} units for a running estimate of {len(self.estimate)}; "
                "build the penalty with the code size of the network"
            )
        mean = code.mean(dim=0)
        if not seen.training:
            return _bernoulli_divergence(mean, self.target)
        with torch.no_grad():
            self.estimate.lerp_(mean.to(self.estimate.dtype), 1 - self.decay)
            self.weight.lerp_(torch.ones_like(self.weight), 1 - self.decay)
            running = (self.estimate / self.weight).to(mean.dtype)
        return _bernoulli_divergence(mean + (running - mean).detach(), self.target)


def weight_l1(weights: Iterable[Tensor]) -> Tensor:
    """Sum of absolute weights, in units of the weights; biases are not among them.

    Args:
        weights: of any shapes; at least one.
    """
    return torch.stack([weight.abs().sum() for weight in weights]).sum()


def weight_l2(weights: Iterable[Tensor]) -> Tensor:
    """Sum of squared weights, in squared units of the weights; biases are not among them.

    Its gradient is twice the weight; AdamW's decoupled decay is another thing (Loshchilov and
    Hutter 2019): here Adam's scaling applies to it.

    Args:
        weights: of any shapes; at least one.
    """
    return torch.stack([weight.square().sum() for weight in weights]).sum()


def weights_of(network: nn.Module) -> list[Tensor]:
    """Give the weight matrices and kernels: every parameter that multiplies something else.

    Biases, and the scales and shifts of normalisation, have one dimension; weights have more. A
    weight that encoder and decoder share stands there once.
    """
    return [weight for weight in network.parameters() if weight.dim() > 1]


def _bernoulli_divergence(active: Tensor, target: float) -> Tensor:
    tiny = torch.finfo(active.dtype).eps  # a unit that is always off: no infinite gradient
    active = active.clamp(tiny, 1 - tiny)
    return (
        target * (math.log(target) - active.log())
        + (1 - target) * (math.log(1 - target) - torch.log1p(-active))
    ).sum()
