"""Losses of variational networks."""

from aepipe.models.vae import VariationalNetwork
from aepipe.objectives.loss import Loss
from aepipe.objectives.variational import (
    Schedule,
    Weighting,
    cyclical,
    evidence_lower_bound,
    importance_weighted_bound,
    linear_warmup,
)
from aepipe.params.variational import Variational


def variational_loss(config: Variational, network: VariationalNetwork) -> Loss:
    """Give the bound that ``config`` asks for, negated."""
    if config.importance_samples is not None:
        return importance_weighted_bound(network, config.importance_samples, config.binarised)
    weighting = Weighting(
        reconstruction=config.reconstruction_weight,
        divergence=_schedule(config),
        free_bits=config.free_bits or 0.0,
    )
    return evidence_lower_bound(network, weighting, config.binarised)


def _schedule(config: Variational) -> Schedule:
    if config.cycles is None:
        return linear_warmup(config.kl_weight, config.warmup_epochs)
    epochs = config.training.epochs
    return cyclical(config.kl_weight, config.cycles.count, config.cycles.rise, epochs)
