"""Losses of restricted Boltzmann machines."""

from typing import assert_never

from aepipe.models.rbm import RestrictedBoltzmannMachine
from aepipe.objectives import contrastive
from aepipe.objectives.loss import Loss
from aepipe.params.energy import ContrastiveDivergence, Gradient, PersistentChains


def energy_loss(config: Gradient, model: RestrictedBoltzmannMachine) -> Loss:
    """Give the loss whose gradient is estimated as ``config`` says."""
    match config:
        case ContrastiveDivergence():
            return contrastive.ContrastiveDivergence(model, config.steps)
        case PersistentChains():
            return contrastive.PersistentContrastiveDivergence(model, config.steps, config.chains)
        case _:
            assert_never(config)
