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
from torch.nn.functional import logsigmoid

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


def log_pseudo_likelihood(
    model: RestrictedBoltzmannMachine, visible: Tensor, flips: int, generator: Generator
) -> Tensor:
    r"""Sum over bits of the log-probability of each given all others, ``(batch,)``, in nats.

    .. math:: \sum_i \ln \sigma\bigl(F(\tilde v_i) - F(v)\bigr)

    where :math:`\tilde v_i` is v with bit i flipped. Besag (1975), "Statistical analysis of
    non-lattice data", The Statistician 24:179; here of an RBM with Bernoulli visible units. Where
    there are more bits than ``flips``, so many are drawn for each sample (with replacement) and
    their mean is scaled up to all: Marlin et al. (2010), "Inductive principles for restricted
    Boltzmann machine learning", AISTATS, compare such estimators.

    Args:
        model: with Bernoulli visible units.
        visible: bits, ``(batch, features)``.
        flips: bits looked at in each sample.
        generator: draws which.
    """
    rows, features = visible.shape
    if features <= flips:
        chosen = torch.arange(features, device=visible.device).expand(rows, features)
    else:
        shape = (rows, flips)
        chosen = torch.randint(features, shape, generator=generator, device=visible.device)
    total = model.hidden_input(visible)
    gain = model.hidden_gain(total)
    rows_of_weight = model.weight.T.contiguous()  # one for each visible unit
    log_likelihood = torch.zeros_like(gain)
    for place in chosen.T:
        change = 1 - 2 * visible.gather(1, place[:, None])  # of the bit that is flipped
        flipped = model.hidden_gain(total + change * rows_of_weight[place])
        log_likelihood += logsigmoid(gain - flipped - change[:, 0] * model.visible_bias[place])
    return log_likelihood * (features / chosen.shape[1])
