"""The loss of deterministic autoencoders. Needs torch alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol, final

from torch import Generator, Tensor, nn

from aepipe.corruption.noise import Corrupt
from aepipe.models.k_sparse import KSparse
from aepipe.objectives.loss import Batch, Loss, Seen, Terms
from aepipe.objectives.reconstruction import distance
from aepipe.objectives.sequence import present

Term = Callable[[Seen], Tensor]
"""What a penalty asks of a step, before its weight; one that has a state is an ``nn.Module``."""
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


@final
@dataclass(frozen=True, slots=True)
class Weighted:
    """A penalty and how much it counts."""

    term: Term
    weight: float


def reconstruction_loss(
    model: Network,
    reconstruction: Literal["squared", "bernoulli", "absolute"],
    corrupt: Corrupt,
    penalties: Mapping[str, Weighted],
    weigh: Corrupt | None = None,
) -> Loss:
    """Reconstruct the clean sample from a corrupted one, with penalties.

    Vincent et al. (2010), JMLR 11:3371, section 3.

    Args:
        model: on its device.
        reconstruction: which error.
        corrupt: what is done to the input.
        penalties: added to the error, by name.
        weigh: gives the weight of each component in the error, from what ``corrupt`` is given;
            None where all weigh the same.
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
    penalties: Mapping[str, Weighted],
) -> tuple[Given, list[nn.Module]]:
    """Give the terms of a loss whose corruption has been drawn, and those that have a state.

    Args:
        model: on its device.
        reconstruction: which error.
        penalties: added to the error, by name.
    """
    error = distance(reconstruction)

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
        for name, penalty in penalties.items():
            terms[name] = penalty.weight * penalty.term(seen)
        return terms

    return given, [each.term for each in penalties.values() if isinstance(each.term, nn.Module)]


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
