"""Losses of deterministic autoencoders."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal, Protocol, cast, final

from torch import Generator, Tensor, nn

from aepipe.corruption.build import build_selection
from aepipe.corruption.noise import Corrupt
from aepipe.models.k_sparse import KSparse
from aepipe.objectives.build.penalties import penalty_term
from aepipe.objectives.loss import Batch, Loss, Seen, Terms
from aepipe.objectives.reconstruction import distance, emphasis
from aepipe.objectives.sequence import present
from aepipe.params.corruption import Corruption, Emphasis, Selective
from aepipe.params.penalties import Penalty

Rows = tuple[Tensor, Tensor, Tensor | None]
"""What the network is shown, what it is to make of it, and the weight of each component in the
error (None where all weigh the same), each ``(batch, *shape)``."""
Given = Callable[[Rows, Generator, int], Terms]
"""From such rows, the generator of further draws and the epoch to named terms."""


class Network(Protocol):
    """Any network with a code and a reconstruction."""

    training: bool

    def encode(self, x: Tensor) -> Tensor:
        """Give the code."""
        ...

    def decode(self, code: Tensor) -> Tensor:
        """Give the raw output."""
        ...


def autoencoder_loss(
    model: Network,
    reconstruction: Literal["squared", "bernoulli", "absolute"],
    corrupt: Corrupt,
    penalties: Sequence[Penalty],
    weigh: Corrupt | None = None,
) -> Loss:
    """Reconstruct the clean sample from a corrupted one, with penalties.

    Vincent et al. (2010), JMLR 11:3371, section 3.

    Args:
        model: on its device.
        reconstruction: which error.
        corrupt: what is done to the input.
        penalties: added to the error, each times its weight.
        weigh: gives the weight of each component in the error, from what ``corrupt`` is given;
            None where all weigh the same. See :func:`emphasis_weights`.
    """
    given, states = terms_given(model, reconstruction, penalties)

    def loss(batch: Batch, noise: Generator, epoch: int) -> Terms:
        # before the noise is drawn, so that both draw the same
        emphasised = None if weigh is None else weigh(batch.input, noise, batch.index)
        shown = corrupt(batch.input, noise, batch.index)
        return given((shown, batch.target, emphasised), noise, epoch)

    return LossWithState(loss, states) if states else loss


def terms_given(
    model: Network,
    reconstruction: Literal["squared", "bernoulli", "absolute"],
    penalties: Sequence[Penalty],
) -> tuple[Given, list[nn.Module]]:
    """Give the terms of a loss whose corruption has been drawn, and those that have a state.

    Args:
        model: on its device.
        reconstruction: which error.
        penalties: added to the error, each times its weight.
    """
    error = distance(reconstruction)
    terms_of = {each.kind: penalty_term(each, cast(nn.Module, model)) for each in penalties}
    weights = {each.kind: each.weight for each in penalties}

    def given(rows: Rows, noise: Generator, epoch: int) -> Terms:
        shown, target, emphasised = rows
        encode = (
            partial(model.encode_at, epoch=epoch) if isinstance(model, KSparse) else model.encode
        )
        made = present(model, (encode, model.decode), shown, target, noise)
        # the loss in float32, whatever the matrix products were done in
        raw = made.raw.float()
        weight = _product(made.weight, emphasised, raw)
        terms = {"reconstruction": error(raw, target.view_as(raw), weight)}
        seen = Seen(shown, made.code.float(), encode, noise, model.training)
        for kind, term in terms_of.items():
            terms[kind] = weights[kind] * term(seen)
        return terms

    return given, [term for term in terms_of.values() if isinstance(term, nn.Module)]


def emphasis_weights(config: Emphasis | None, corruption: Corruption) -> Corrupt | None:
    """Give the weight of each component by whether ``corruption`` is about to touch it.

    The generator is left as it was. None where nothing is emphasised.
    """
    if config is None or not isinstance(corruption, Selective):
        return None
    select = build_selection(corruption)

    def weigh(x: Tensor, generator: Generator, index: Tensor | None = None) -> Tensor:
        touched = select(x, generator.clone_state(), index)
        return emphasis(touched, config.corrupted, config.intact)

    return weigh


def _product(one: Tensor | None, other: Tensor | None, raw: Tensor) -> Tensor | None:
    """Multiply those weights that there are, in the shape of ``raw``."""
    there = [weight.view_as(raw) for weight in (one, other) if weight is not None]
    return there[0] * there[1] if len(there) == 2 else next(iter(there), None)


@final
class LossWithState(nn.Module):
    """A loss and those of its terms that remember earlier batches.

    Args:
        loss: what is computed.
        states: modules with buffers, which ``loss`` uses.
    """

    def __init__(self, loss: Loss, states: Sequence[nn.Module]) -> None:
        super().__init__()
        self.loss = loss
        self.states = nn.ModuleList(states)

    def forward(self, batch: Batch, noise: Generator, epoch: int) -> Terms:
        """Give the terms."""
        return self.loss(batch, noise, epoch)
