"""How well a restricted Boltzmann machine tells each bit from all others: no normaliser needed."""

import torch
from torch import Generator, Tensor
from torch.nn.functional import logsigmoid

from aepipe.models.rbm import RestrictedBoltzmannMachine


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
        flipped = model.hidden_gain(total + change * rows_of_weight.index_select(0, place))
        log_likelihood += logsigmoid(gain - flipped - change[:, 0] * model.visible_bias[place])
    return log_likelihood * (features / chosen.shape[1])
