"""All that a training changes, in one place: what a checkpoint has to hold."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import final

import torch
from torch import Generator, Tensor, nn

from aepipe.objectives.loss import Loss, Terms

History = list[dict[str, float]]

TALLIED = 1024  # batches whose terms lie in one tensor


@final
@dataclass(frozen=True, slots=True)
class Randomness:
    """The generators of one training, each for its own purpose.

    Attributes:
        order: of the samples; on the CPU.
        noise: of corruption and sampling in training; on the training device.
        validation: gives the validation's noise, the same each epoch; on the training device.
    """

    order: Generator
    noise: Generator
    validation: Callable[[], Generator]


@final
class Tally:
    """The terms of the batches of an epoch so far, of one network or of several side by side.

    Args:
        names: of the terms and of their total, where there are batches already.
        sizes: samples in each of these.
        values: their terms, as :attr:`values`.

    Attributes:
        names: of the terms and of their total.
        sizes: samples in each batch.
    """

    def __init__(
        self, names: Sequence[str] = (), sizes: Sequence[int] = (), values: Tensor | None = None
    ) -> None:
        self.names, self.sizes = [*names], [*sizes]
        # A small tensor of its own for each batch would lie between the large ones of the steps,
        # and keep the allocator from using their place again: one batch's worth for every step.
        self._blocks: list[Tensor] = []
        if values is not None:
            spare = values.new_empty(-len(values) % TALLIED, *values.shape[1:])
            self._blocks = [*torch.split(torch.cat([values, spare]), TALLIED)]

    @property
    def values(self) -> Tensor:
        """For each batch ``(batches, names)``, or ``(batches, names, networks)``; on the device."""
        return torch.cat(self._blocks)[: len(self.sizes)]

    @property
    def last(self) -> Tensor:
        """The row of the last batch, to be changed in place."""
        return self._blocks[-1][(len(self.sizes) - 1) % TALLIED]

    def add(self, terms: Terms, size: int) -> Tensor:
        """Take in the terms of a batch, and give their total, of each network."""
        each = torch.stack([*terms.values()])
        total = each.sum(dim=0)
        self.names = [*terms, "total"]
        if len(self.sizes) % TALLIED == 0:
            self._blocks.append(each.new_empty(TALLIED, len(self.names), *total.shape))
        self.sizes.append(size)
        torch.cat([each.detach(), total.detach()[None]], out=self.last)
        return total

    def means(self, prefix: str) -> dict[str, float]:
        """Give the mean of each over the samples, as ``PREFIX_NAME``; of one network."""
        return self._named(prefix, self._means().tolist())

    def means_of_each(self, prefix: str) -> list[dict[str, float]]:
        """Give the same for each of several networks."""
        return [self._named(prefix, means) for means in self._means().T.tolist()]

    def _means(self) -> Tensor:
        sizes = torch.tensor(self.sizes, dtype=torch.float64)
        share = sizes / sum(self.sizes)  # the last batch may be smaller
        values = self.values.cpu().double()  # one sync per epoch
        means: Tensor = torch.tensordot(share, values, dims=1)
        return means

    def _named(self, prefix: str, means: list[float]) -> dict[str, float]:
        return {f"{prefix}_{name}": mean for name, mean in zip(self.names, means, strict=True)}


@final
class State:
    """Where a training stands: between two steps of an epoch.

    Args:
        model: what is trained, on its device.
        loss: a module where it has a state of its own.
        optimizer: of the model's parameters.
        randomness: where chance comes from.

    Attributes:
        epoch: the one that is under way, counted from 1.
        tally: of its batches so far.
        order: the state in which the generator of the order began it.
        history: a row for each epoch before it.
        best: the weights of the epoch of these that was best on validation.
    """

    def __init__(
        self, model: nn.Module, loss: Loss, optimizer: torch.optim.Optimizer, randomness: Randomness
    ) -> None:
        self.model, self.loss, self.optimizer = model, loss, optimizer
        self.randomness = randomness
        self.device = next(model.parameters()).device
        self.epoch = 1
        self.tally = Tally()
        self.order = randomness.order.get_state()
        self.history: History = []
        self.best: dict[str, Tensor] = {}

    def best_epoch(self) -> dict[str, float]:
        """Give the row of the epoch best on validation."""
        return best_epoch(self.history)

    def finish_epoch(self, figures: dict[str, float]) -> None:
        """Put down the figures of the epoch under way, and begin the next."""
        self.history.append({"epoch": self.epoch, **figures})
        if self.best_epoch() is self.history[-1]:
            weights = self.model.state_dict()
            self.best = {name: value.detach().clone() for name, value in weights.items()}
        self.epoch += 1
        self.tally = Tally()
        self.order = self.randomness.order.get_state()


def best_epoch(history: History) -> dict[str, float]:
    """Give the row of the epoch best on validation; of equals, the first."""
    return min(history, key=lambda row: row["valid_total"])
