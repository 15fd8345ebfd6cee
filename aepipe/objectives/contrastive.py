r"""How a restricted Boltzmann machine learns: losses whose gradients are statistics of chains.

The gradient of the negative log-likelihood is the mean gradient of the free energy over the data
minus that over the model's own distribution (Hinton 2010, "A practical guide to training restricted
Boltzmann machines", eq. 5). The second mean is estimated by Gibbs chains, whose ends are constants
to autograd. The value of that difference measures nothing: what a loss of this file shows, in
training and in validation, is how good the model is, in nats or squared data units.
"""

from typing import final

import torch
from torch import Generator, Tensor, nn

from aepipe.models.pseudo_likelihood import log_pseudo_likelihood
from aepipe.models.rbm import RestrictedBoltzmannMachine
from aepipe.objectives.loss import Batch, Terms
from aepipe.objectives.reconstruction import squared_error

FLIPS = 64  # bits of each validation sample looked at: all of them where there are no more
TRAINING_FLIPS = 2  # of each training sample, of which there are many more


@final
class ContrastiveDivergence(nn.Module):
    """CD-k: chains start at the data and take k steps.

    Hinton (2002), Neural Computation 14:1771, eq. 5.

    Args:
        model: what learns.
        steps: k, of each chain.
    """

    def __init__(self, model: RestrictedBoltzmannMachine, steps: int) -> None:
        super().__init__()
        self._model = (model,)  # in a tuple, so that its weights are not this module's as well
        self._steps = steps

    def forward(self, batch: Batch, noise: Generator, epoch: int) -> Terms:
        """Give how good the model is on a batch; in training with the gradient to follow."""
        (model,) = self._model
        visible = model.units(batch.target, noise)
        terms = criterion(model, visible, noise)
        if not model.training:
            return terms
        ends = run_chains(model, visible, self._steps, noise)
        return following(terms, contrast(model, visible, ends))


@final
class PersistentContrastiveDivergence(nn.Module):
    """PCD: chains go on from where they were at the last update.

    Tieleman (2008), "Training restricted Boltzmann machines using approximations to the likelihood
    gradient", ICML, section 2.3.

    Args:
        model: what learns.
        steps: of each chain per update.
        chains: how many there are.
    """

    def __init__(self, model: RestrictedBoltzmannMachine, steps: int, chains: int) -> None:
        super().__init__()
        self._model = (model,)
        self._steps = steps
        # all start alike; while weights are small a step forgets its start
        start = torch.zeros(chains, model.features, device=model.weight.device)
        self.register_buffer("chains", start)
        self.chains: Tensor

    def forward(self, batch: Batch, noise: Generator, epoch: int) -> Terms:
        """Give how good the model is on a batch; in training with the gradient to follow."""
        (model,) = self._model
        visible = model.units(batch.target, noise)
        terms = criterion(model, visible, noise)
        if not model.training:
            return terms
        self.chains.copy_(run_chains(model, self.chains, self._steps, noise))
        # a copy, since autograd keeps it and the next call changes the buffer
        return following(terms, contrast(model, visible, self.chains.clone()))


@torch.no_grad()
def run_chains(
    model: RestrictedBoltzmannMachine, visible: Tensor, steps: int, generator: Generator
) -> Tensor:
    """Take so many Gibbs steps from ``visible``, ``(chains, features)``; gives the same shape."""
    for _ in range(steps):
        visible = model.gibbs_step(visible, generator)
    return visible


def contrast(model: RestrictedBoltzmannMachine, data: Tensor, fantasy: Tensor) -> Tensor:
    """Mean free energy of the data minus that of the chains' ends, for its gradient; scalar.

    Args:
        model: what learns.
        data: visible units, ``(batch, features)``.
        fantasy: the chains' visible units, ``(chains, features)``, constants.
    """
    both = model.free_energy(torch.cat([data, fantasy]))
    return both[: len(data)].mean() - both[len(data) :].mean()


def following(terms: Terms, value: Tensor) -> Terms:
    """Give the one term of ``terms`` with its own value, but the gradient of ``value``."""
    ((name, shown),) = terms.items()
    return {name: shown + (value - value.detach())}


@torch.no_grad()
def criterion(model: RestrictedBoltzmannMachine, visible: Tensor, generator: Generator) -> Terms:
    """Say how good the model is, without gradient.

    Bernoulli visible units: the negative log pseudo-likelihood, of the nearer bits where they lie
    between 0 and 1. Gaussian ones, for which there is none: the squared error of reconstructions.

    Args:
        model: in training mode fewer bits are looked at.
        visible: units, ``(batch, features)``.
        generator: draws which.
    """
    if model.visible == "gaussian":
        raw = model.visible_input(model.encode(visible))
        return {"reconstruction": squared_error(raw.float(), visible)}
    flips = TRAINING_FLIPS if model.training else FLIPS
    log_likelihood = log_pseudo_likelihood(model, visible.round(), flips, generator)
    return {"pseudo_likelihood": -log_likelihood.mean()}
