"""Divergence of a posterior from its prior."""

from torch import Tensor


def kl_to_standard_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Divergence of diagonal Gaussians from the standard normal, per latent dimension, in nats.

    Kingma and Welling (2014), appendix B.

    Args:
        mean: ``(batch, code_size)``.
        log_variance: of the same shape.

    Returns:
        ``(batch, code_size)``; its sum over the last dimension is the sample's divergence.
    """
    return (mean.square() + log_variance.exp() - 1 - log_variance) / 2
