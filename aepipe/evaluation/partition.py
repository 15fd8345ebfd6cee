"""The normaliser of a restricted Boltzmann machine, and with it the probability of samples."""

import math
from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise
from typing import final

import numpy as np
import torch
from torch import Generator, Tensor
from torch.nn.functional import softplus

from aepipe.errors import ParamsError
from aepipe.models.rbm import RestrictedBoltzmannMachine, draw, visible_bias

ENUMERABLE = 20  # Bernoulli units of a layer: 2^20 states take a second
STATES_AT_ONCE = 2**14  # bounds the memory
DEVIATIONS = 3  # of the mean weight, in the interval: Salakhutdinov and Murray's choice


@final
@dataclass(frozen=True, slots=True)
class LogPartition:
    """Logarithm of the normaliser, in nats.

    Attributes:
        value: the estimate; exact where it equals both ends.
        low: of its interval.
        high: of its interval.
    """

    value: float
    low: float
    high: float


@torch.no_grad()
def enumerated(model: RestrictedBoltzmannMachine) -> LogPartition:
    """Sum over every state of the smaller layer of Bernoulli units; the other's sum is closed.

    Raises:
        ParamsError: there is no such layer of at most :data:`ENUMERABLE` units.
    """
    model = deepcopy(model).double()
    name, size = _smallest_layer(model)
    if size > ENUMERABLE:
        raise ParamsError(
            f"the smallest layer of bernoulli units, the {name} one, has {size}, and at most "
            f"{ENUMERABLE} can be enumerated; estimate by annealed importance sampling"
        )
    parts: list[Tensor] = []
    for codes in torch.split(torch.arange(2**size), STATES_AT_ONCE):
        states = ((codes[:, None] >> torch.arange(size)) & 1).double()
        energies = model.free_energy(states) if name == "visible" else hidden_energy(model, states)
        parts.append(torch.logsumexp(-energies, dim=0))
    value = torch.logsumexp(torch.stack(parts), dim=0).item()
    return LogPartition(value, value, value)


def enumerable(model: RestrictedBoltzmannMachine) -> bool:
    """Say whether :func:`enumerated` can do it."""
    return _smallest_layer(model)[1] <= ENUMERABLE


def _smallest_layer(model: RestrictedBoltzmannMachine) -> tuple[str, int]:
    """Name and size of the smallest layer of Bernoulli units; there is always one."""
    layers = [("hidden", model.hidden, model.code_size), ("visible", model.visible, model.features)]
    sizes = {name: size for name, units, size in layers if units == "bernoulli"}
    return min(sizes.items(), key=lambda item: item[1])


def hidden_energy(model: RestrictedBoltzmannMachine, hidden: Tensor) -> Tensor:
    """Give the energy of Bernoulli hidden units with the visible ones summed out, ``(states,)``."""
    total = model.visible_input(hidden)
    if model.visible == "bernoulli":
        gain = softplus(total).sum(dim=1)
    else:
        variance = model.deviation**2
        squares = (total.square() - model.visible_bias.square()) / variance
        gain = (squares + math.log(2 * math.pi * variance)).sum(dim=1) / 2
    return -(hidden @ model.hidden_bias) - gain


@torch.no_grad()
def annealed(
    model: RestrictedBoltzmannMachine,
    means: Tensor,
    chains: int,
    temperatures: int,
    generator: Generator,
) -> LogPartition:
    r"""Estimate by annealed importance sampling.

    Salakhutdinov and Murray (2008), "On the quantitative analysis of deep belief networks", ICML,
    sections 3 and 4.1. Chains start at a machine whose units do not interact and whose visible ones
    have the means of the data, and pass through

    .. math:: p_k(v) \propto \exp\bigl(-(1-\beta_k) F_A(v)\bigr)
        \sum_h \exp\bigl(-\beta_k E(v, h)\bigr)

    with :math:`\beta_k` from :func:`ladder`; squares of Gaussian units keep their factor, so that
    no variance changes. The mean of the chains' weights estimates the ratio of normalisers. The
    interval is that mean plus and minus three of its standard deviations or, where this reaches
    below 0, starts at the mean of the weights' logarithms, a lower bound in expectation. It
    understates the error where chains are too few to meet every mode.

    Args:
        model: on the CPU.
        means: of the training data, ``(*shape)``.
        chains: independent ones.
        temperatures: steps between the two machines.
        generator: on the CPU.
    """
    base = visible_bias(means.flatten(), model.visible).to(model.weight)
    visible = draw(base.expand(chains, -1), model.visible, model.deviation, generator)
    log_weights = torch.zeros(chains, dtype=torch.float64)
    for cold, warm in pairwise(ladder(temperatures)):
        total = model.hidden_input(visible)
        log_weights += _gain(model, base, visible, total, warm)
        log_weights -= _gain(model, base, visible, total, cold)
        hidden = draw(warm * total, model.hidden, 1.0, generator)
        pull = hidden @ model.weight_back().T
        bias = (1 - warm) * base + warm * model.visible_bias
        visible = draw(bias + warm * pull, model.visible, model.deviation, generator)
    return _interval(log_weights + _independent(model, base))


def ladder(temperatures: int) -> list[float]:
    """Give the inverse temperatures 0 = beta_0 < ... < beta_n = 1, n = ``temperatures``.

    They lie as densely as those of Salakhutdinov and Murray (2008), section 5: 500 up to 0.5, then
    4,000 up to 0.9, then 10,000 up to 1, where the machine changes fastest.
    """
    ends = np.cumsum([0, 500, 4000, 10000]) / 14500
    rungs = np.interp(np.linspace(0, 1, temperatures + 1), ends, [0, 0.5, 0.9, 1])
    return [float(rung) for rung in rungs]


def _gain(
    model: RestrictedBoltzmannMachine, base: Tensor, visible: Tensor, total: Tensor, beta: float
) -> Tensor:
    """Logarithm of p_k(v) without its normaliser, ``(chains,)``."""
    total = total.double()  # sums of many small differences
    if model.hidden == "bernoulli":
        gain = softplus(beta * total).sum(dim=1)
    else:
        each = (beta * total).square() - beta * model.hidden_bias.double().square()
        gain = (each + math.log(2 * math.pi)).sum(dim=1) / 2
    if model.visible == "bernoulli":
        bias = (1 - beta) * base.double() + beta * model.visible_bias.double()
        return gain + visible.double() @ bias
    squares = [(visible - b).double().square().sum(dim=1) for b in (base, model.visible_bias)]
    return gain - ((1 - beta) * squares[0] + beta * squares[1]) / (2 * model.deviation**2)


def _independent(model: RestrictedBoltzmannMachine, base: Tensor) -> float:
    """Log-normaliser of the machine at which the chains start."""
    if model.visible == "bernoulli":
        visible = softplus(base.double()).sum().item()
    else:
        visible = model.features * math.log(2 * math.pi * model.deviation**2) / 2
    each = math.log(2) if model.hidden == "bernoulli" else math.log(2 * math.pi) / 2
    return visible + model.code_size * each


def _interval(log_weights: Tensor) -> LogPartition:
    """Mean weight, plus and minus three standard deviations of that mean, as logarithms."""
    largest = log_weights.max()
    weights = (log_weights - largest).exp()
    mean = weights.mean().item()
    error = DEVIATIONS * weights.std().item() / math.sqrt(len(weights))
    below = (log_weights.mean() - largest).item()
    low = math.log(mean - error) if error < mean else below
    shift = largest.item()
    return LogPartition(shift + math.log(mean), shift + low, shift + math.log(mean + error))
