"""Losses of deterministic autoencoders."""

from collections.abc import Sequence
from typing import Literal, Protocol

from torch import Generator, Tensor

from aepipe.objectives.build.penalties import penalty_term
from aepipe.objectives.loss import Batch, Corrupt, Loss, Terms
from aepipe.objectives.reconstruction import bernoulli, squared_error
from aepipe.objectives.sequence import present
from aepipe.params.penalties import Penalty


class Network(Protocol):
    """Any network with a code and a reconstruction."""

    def encode(self, x: Tensor) -> Tensor:
        """Give the code."""
        ...

    def decode(self, code: Tensor) -> Tensor:
        """Give the raw output."""
        ...


def autoencoder_loss(
    model: Network,
    reconstruction: Literal["squared", "bernoulli"],
    corrupt: Corrupt,
    penalties: Sequence[Penalty],
) -> Loss:
    """Reconstruct the clean sample from a corrupted one, with penalties on the code.

    Vincent et al. (2010), JMLR 11:3371, section 3.
    """
    distance = bernoulli if reconstruction == "bernoulli" else squared_error

    def loss(batch: Batch, noise: Generator, epoch: int) -> Terms:
        shown = corrupt(batch.input, noise)
        made = present(model, (model.encode, model.decode), shown, batch.target, noise)
        # the loss in float32, whatever the matrix products were done in
        raw = made.raw.float()
        terms = {"reconstruction": distance(raw, batch.target.view_as(raw), made.weight)}
        for penalty in penalties:
            terms[penalty.kind] = penalty.weight * penalty_term(penalty, made.code.float())
        return terms

    return loss
