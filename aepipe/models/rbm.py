"""The restricted Boltzmann machine."""

import math
from collections.abc import Sequence
from typing import Literal, final

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import linear, softplus

from aepipe.models.outputs import mean

Units = Literal["bernoulli", "gaussian"]
Values = Literal["drawn", "nearest", "means"]

RAREST = 1e-3  # of a visible unit that is never on or never off; its bias would be infinite


@final
class RestrictedBoltzmannMachine(nn.Module):
    r"""Two layers of stochastic units, joined by symmetric weights.

    With Bernoulli units (Hinton 2002, "Training products of experts by minimizing contrastive
    divergence", Neural Computation 14:1771) the energy is

    .. math:: E(v, h) = -b^\top v - c^\top h - h^\top W v.

    Gaussian visible units replace the first term by :math:`\|v - b\|^2 / 2\sigma^2` and :math:`v`
    in the last by :math:`v / \sigma` (Hinton 2010, "A practical guide to training restricted
    Boltzmann machines", eq. 17). :math:`\sigma` is one fixed number: section 13.2 there takes 1 for
    standardised data, since learning it is unstable. Gaussian hidden units replace the second term
    by :math:`\|h - c\|^2 / 2`: the code of Hinton and Salakhutdinov (2006), Science 313:504.

    Args:
        shape: of one sample.
        code_size: hidden units.
        visible: distribution of a visible unit; ``bernoulli`` needs samples in [0, 1].
        hidden: distribution of a hidden unit.
        variance: of Gaussian visible units, in squared units of the data; not used by others.
        values: what samples in [0, 1] are to Bernoulli visible units: bits are ``drawn`` with these
            probabilities, or the ``nearest`` bit is taken; or they are ``means`` and used as they
            are, and chains carry means too (Hinton 2010, section 3.2). Not used by others.

    Shapes:
        samples ``(batch, *shape)``; visible units ``(batch, features)``; hidden units and code
        ``(batch, code_size)``.

    Raises:
        ValueError: both layers are Gaussian.
    """

    def __init__(
        self,
        shape: Sequence[int],
        code_size: int,
        visible: Units,
        hidden: Units,
        variance: float,
        values: Values,
    ) -> None:
        super().__init__()
        if visible == hidden == "gaussian":
            raise ValueError(
                "visible and hidden units are both gaussian, and such an energy has no minimum "
                "once a weight is large; make one of the layers bernoulli"
            )
        self.shape = tuple(shape)
        self.code_size = code_size
        self.features = torch.Size(shape).numel()
        self.visible = visible
        self.hidden = hidden
        self.deviation = math.sqrt(variance) if visible == "gaussian" else 1.0
        self.values: Values = values if visible == "bernoulli" else "means"
        # small and random, so that units differ: Hinton (2010), section 8.1
        self.weight = nn.Parameter(torch.randn(code_size, self.features) * 0.01)
        self.hidden_bias = nn.Parameter(torch.zeros(code_size))
        self.visible_bias = nn.Parameter(torch.zeros(self.features))

    def start_from(self, means: Tensor) -> None:
        """Set the visible biases so that without hidden units the visible ones have these means.

        Hinton (2010), section 8.1. Else learning spends its first epochs on putting hidden units
        to that use.

        Args:
            means: of the training data, ``(*shape)``.
        """
        bias = visible_bias(means.flatten(), self.visible)
        with torch.no_grad():
            self.visible_bias.copy_(bias)

    def units(self, x: Tensor, generator: Generator) -> Tensor:
        """Give the visible units ``(batch, features)`` that samples ``(batch, *shape)`` stand for.

        What they are is said by ``values``.
        """
        flat = x.flatten(1)
        match self.values:
            case "drawn":
                return bits(flat, generator)
            case "nearest":
                return flat.round()
            case "means":
                return flat

    def hidden_input(self, visible: Tensor) -> Tensor:
        """Give the total input of each hidden unit, its bias included, ``(batch, code_size)``."""
        return linear(visible, self.weight_in(), self.hidden_bias)

    def visible_input(self, hidden: Tensor) -> Tensor:
        """Give the logits or means of the visible units, ``(batch, features)``."""
        return linear(hidden, self.weight_back(), self.visible_bias)

    def weight_in(self) -> Tensor:
        """Give the weight by which samples reach hidden units, ``(code_size, features)``."""
        return self.weight if self.deviation == 1 else self.weight / self.deviation

    def weight_back(self) -> Tensor:
        """Give the weight by which hidden units reach the samples, ``(features, code_size)``."""
        # unscaled it is a view, and a scaled one would be copied at each Gibbs step
        return self.weight.T if self.deviation == 1 else self.weight.T * self.deviation

    def encode(self, x: Tensor) -> Tensor:
        """Give the mean of the hidden units ``(batch, code_size)`` given ``(batch, *shape)``."""
        return mean(self.hidden_input(x.flatten(1)), _reading(self.hidden))

    def decode(self, code: Tensor) -> Tensor:
        """Give the raw output ``(batch, *shape)``: logits, or the means of Gaussian units."""
        return self.visible_input(code).view(-1, *self.shape)

    def mean(self, raw: Tensor) -> Tensor:
        """Turn the raw output into the units of the input."""
        return mean(raw, _reading(self.visible))

    def free_energy(self, visible: Tensor) -> Tensor:
        r"""Give the energy with the hidden units summed out, ``(batch,)``, in nats.

        .. math:: F(v) = -b^\top v - \sum_j \ln\bigl(1 + \exp(c_j + W_j v)\bigr)

        Hinton (2010), eq. 25; ``exp(-F(v))`` is proportional to the probability (or density) of v.
        Gaussian hidden units with input x give :math:`(x^2 - c^2)/2 + \ln\sqrt{2\pi}` each in place
        of the logarithm.
        """
        gain = self.hidden_gain(_precise(self.hidden_input(visible)))
        if self.visible == "bernoulli":
            return -_precise(visible @ self.visible_bias) - gain
        distance = (visible - self.visible_bias).square().sum(dim=1)
        return distance / (2 * self.deviation**2) - gain

    def hidden_gain(self, total: Tensor) -> Tensor:
        """Give the hidden units' share of minus the free energy, ``(batch,)``, in nats.

        Args:
            total: their input as :meth:`hidden_input` gives it, ``(batch, code_size)``.
        """
        if self.hidden == "bernoulli":
            return softplus(total).sum(dim=1)
        each = total.square() - self.hidden_bias.square() + math.log(2 * math.pi)
        return each.sum(dim=1) / 2

    def gibbs_step(self, visible: Tensor, generator: Generator) -> Tensor:
        """Draw the hidden units given the visible ones, then new visible ones given those.

        Bernoulli visible units that stand for means become their means and are not drawn: bits
        would differ from such data in more than the model can learn.
        """
        hidden = draw(self.hidden_input(visible), self.hidden, 1.0, generator)
        total = self.visible_input(hidden)
        if self.visible == "bernoulli" and self.values == "means":
            return torch.sigmoid(_precise(total))
        return draw(total, self.visible, self.deviation, generator)


def draw(total: Tensor, units: Units, deviation: float, generator: Generator) -> Tensor:
    """Draw units whose logits (``bernoulli``) or means (``gaussian``) are ``total``, same shape.

    Args:
        total: any shape.
        units: their distribution.
        deviation: standard deviation of Gaussian units; not used by others.
        generator: on the device of ``total``.
    """
    total = _precise(total)
    if units == "bernoulli":
        return bits(torch.sigmoid(total), generator)
    noise = torch.randn(total.shape, generator=generator, device=total.device, dtype=total.dtype)
    return total + deviation * noise


def bits(probabilities: Tensor, generator: Generator) -> Tensor:
    """Draw a bit, 0.0 or 1.0, for each of ``probabilities``; same shape."""
    # half the time of torch.bernoulli on a CPU
    uniform = torch.rand(probabilities.shape, generator=generator, device=probabilities.device)
    return (uniform < probabilities).to(probabilities.dtype)


def visible_bias(means: Tensor, units: Units) -> Tensor:
    """Give the biases under which visible units alone, without hidden ones, have these means."""
    return torch.logit(means, eps=RAREST) if units == "bernoulli" else means


def _reading(units: Units) -> Literal["bernoulli", "squared"]:
    return "bernoulli" if units == "bernoulli" else "squared"


def _precise(values: Tensor) -> Tensor:
    """Sum and exponentiate in float32 what autocast has multiplied in bfloat16."""
    return values.float() if values.dtype == torch.bfloat16 else values
