"""How far a reconstruction is from its target: sum over features, mean over the batch."""

import math

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits


def squared_error(raw: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Squared distance, in squared units of the data.

    Args:
        raw: ``(batch, ...)``, the reconstruction.
        target: of the same shape.
        weight: of each component, of the same shape; 1 where it is left out.
    """
    return _total((raw - target).square(), weight)


def bernoulli(raw: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Cross-entropy between ``target`` and the Bernoulli means whose logits are ``raw``, in nats.

    Vincent et al. (2010), JMLR 11:3371, section 2.2. For targets strictly between 0 and 1 its least
    value is their entropy, not 0.

    Args:
        raw: ``(batch, ...)``, logits.
        target: of the same shape, in [0, 1].
        weight: of each component, of the same shape; 1 where it is left out.
    """
    return _total(binary_cross_entropy_with_logits(raw, target, reduction="none"), weight)


def gaussian(raw: Tensor, target: Tensor, log_variance: Tensor) -> Tensor:
    """Negative log-likelihood of ``target`` under normals around ``raw``, in nats.

    Kingma and Welling (2014), appendix C.2, with one variance for all features.

    Args:
        raw: ``(batch, ...)``, means.
        target: of the same shape.
        log_variance: scalar.
    """
    each = (raw - target).square() * torch.exp(-log_variance) + log_variance + math.log(2 * math.pi)
    return each.flatten(1).sum(dim=1).mean() / 2


def _total(each: Tensor, weight: Tensor | None) -> Tensor:
    weighted = each if weight is None else each * weight
    return weighted.flatten(1).sum(dim=1).mean()
