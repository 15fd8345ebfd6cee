r"""How a restricted Boltzmann machine learns: losses whose gradients are statistics of chains.

The gradient of the negative log-likelihood is the mean gradient of the free energy over the data
minus that over the model's own distribution (Hinton 2010, "A practical guide to training restricted
Boltzmann machines", eq. 5). The second mean is estimated by Gibbs chains, whose ends are constants
to autograd. The difference itself measures nothing, so that a loss of this file says how good the
model is in validation only, where it is another one. Nats, or squared data units where stated.
"""

from typing import final

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import logsigmoid

from aepipe.models.rbm import RestrictedBoltzmannMachine
from aepipe.objectives.build import Batch, Terms
from aepipe.objectives.reconstruction import squared_error

FLIPS = 64  # bits looked at in each sample: all of them where there are no more


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
        """Give the terms of a batch: in training for the gradient, in validation to judge by."""
        (model,) = self._model
        if not model.training:
            return criterion(model, batch, noise)
        visible = model.units(batch.target, noise)
        return contrast(model, visible, run_chains(model, visible, self._steps, noise))


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
        """Give the terms of a batch: in training for the gradient, in validation to judge by."""
        (model,) = self._model
        if not model.training:
            return criterion(model, batch, noise)
        visible = model.units(batch.target, noise)
        self.chains.copy_(run_chains(model, self.chains, self._steps, noise))
        # a copy, since autograd keeps it and the next call changes the buffer
        return contrast(model, visible, self.chains.clone())


@torch.no_grad()
def run_chains(
    model: RestrictedBoltzmannMachine, visible: Tensor, steps: int, generator: Generator
) -> Tensor:
    """Take so many Gibbs steps from ``visible``, ``(chains, features)``; gives the same shape."""
    for _ in range(steps):
        visible = model.gibbs_step(visible, generator)
    return visible


def contrast(model: RestrictedBoltzmannMachine, data: Tensor, fantasy: Tensor) -> Terms:
    """Mean free energy of the data minus that of the chains' ends, for its gradient.

    Args:
        model: what learns.
        data: visible units, ``(batch, features)``.
        fantasy: the chains' visible units, ``(chains, features)``, constants.
    """
    both = model.free_energy(torch.cat([data, fantasy]))
    return {"contrast": both[: len(data)].mean() - both[len(data) :].mean()}


def criterion(model: RestrictedBoltzmannMachine, batch: Batch, generator: Generator) -> Terms:
    """Judge the model on samples that it does not learn from.

    Bernoulli visible units: the negative log pseudo-likelihood. Gaussian ones, for which there is
    none: the squared error of reconstructions.
    """
    if model.visible == "gaussian":
        raw = model.decode(model.encode(batch.target))
        return {"reconstruction": squared_error(raw.float(), batch.target.view_as(raw))}
    visible = model.units(batch.target, generator).round()  # intensities, to the nearer bit
    return {"pseudo_likelihood": -log_pseudo_likelihood(model, visible, FLIPS, generator).mean()}


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
