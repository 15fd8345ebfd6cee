"""How far a reconstruction is from its target: sum over features, mean over the batch."""

import math
from typing import Literal, Protocol

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, l1_loss, mse_loss


class Distance(Protocol):
    """How far reconstructions are from their targets."""

    def __call__(self, raw: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """Give the mean over the batch of the sum over features."""
        ...


def distance(reconstruction: Literal["squared", "bernoulli", "absolute"]) -> Distance:
    """Give the error that a network with this reconstruction is trained on."""
    match reconstruction:
        case "squared":
            return squared_error
        case "bernoulli":
            return bernoulli
        case "absolute":
            return absolute_error


def squared_error(raw: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Squared distance, in squared units of the data.

    Args:
        raw: ``(batch, ...)``, the reconstruction.
        target: of the same shape.
        weight: of each component, of the same shape; 1 where it is left out.
    """
    _require_one_shape(raw, target)
    return _total(mse_loss(raw, target, reduction="none"), weight)


def absolute_error(raw: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Absolute distance, in units of the data; least at the median instead of the mean.

    Args:
        raw: ``(batch, ...)``, the reconstruction.
        target: of the same shape.
        weight: of each component, of the same shape; 1 where it is left out.
    """
    _require_one_shape(raw, target)
    return _total(l1_loss(raw, target, reduction="none"), weight)


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


def emphasis(touched: Tensor, corrupted: float, intact: float) -> Tensor:
    r"""Weight of each component in an error that looks harder at what the corruption touched.

    .. math:: \alpha \sum_{j \in J(\tilde x)} e_j + \beta \sum_{j \notin J(\tilde x)} e_j

    Vincent et al. (2010), JMLR 11:3371, section 6.2, where e is the squared error or the
    cross-entropy of a component.

    Args:
        touched: J, ``(batch, ...)``, true for components that were chosen for corruption.
        corrupted: alpha.
        intact: beta.

    Returns:
        Of the same shape, float32.
    """
    return torch.where(touched, corrupted, intact).float()


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


def _require_one_shape(raw: Tensor, target: Tensor) -> None:
    if raw.shape != target.shape:
        raise ValueError(
            f"a reconstruction of shape {tuple(raw.shape)} for a target of {tuple(target.shape)}; "
            "expected the same shape"
        )


def _total(each: Tensor, weight: Tensor | None) -> Tensor:
    weighted = each if weight is None else each * weight
    # one sum: the gradient of sums by row would reach every component through a slow broadcast
    return weighted.sum() / len(weighted)
