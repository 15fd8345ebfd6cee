"""Terms added to a reconstruction error: functions of the code ``(batch, units)``."""

import math

import torch
from torch import Tensor


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
    tiny = torch.finfo(code.dtype).eps  # a unit that is always off would give an infinite gradient
    active = code.mean(dim=0).clamp(tiny, 1 - tiny)
    return (
        target * (math.log(target) - active.log())
        + (1 - target) * (math.log(1 - target) - torch.log1p(-active))
    ).sum()
