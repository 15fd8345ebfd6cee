"""All that the training of a group changes, in one place: what a checkpoint has to hold."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import final

import torch
from torch import Generator, Tensor
from torch.optim.adamw import adamw

from aepipe.corruption.noise import Corrupt
from aepipe.sweeps.program import Program
from aepipe.training.loop import Schedule, rate_at
from aepipe.training.state import History, Randomness, Tally, best_epoch

DECAYS = (0.9, 0.999)  # of Adam's moments, and what keeps its quotient finite: torch's own
TINY = 1e-8


@final
@dataclass(frozen=True, slots=True)
class Member:
    """One network of a sweep, with all that is its own.

    Attributes:
        start: its fresh weights, by the network's own names.
        corrupt: what is done to its input.
        weigh: gives the weight of each component in its error; None where all weigh the same.
        factors: weight of each penalty, by kind.
        active: activations of its code that count in an epoch; None where all do.
        schedule: how long and how fast.
        randomness: where its chance comes from.
    """

    start: Mapping[str, Tensor]
    corrupt: Corrupt
    weigh: Corrupt | None
    factors: Mapping[str, float]
    active: Callable[[int], int] | None
    schedule: Schedule
    randomness: Randomness


@final
class GroupState:
    """Where the training of a group stands: between two steps of an epoch.

    The weights of a member lie in one row, one parameter after the other, and so do their
    gradients and moments: the optimizer sees one tensor for all members with the same rate.

    Args:
        members: of the group.
        program: computes their loss.

    Attributes:
        alive: places of the members that are still trained; rows below are in this order.
        weights: ``(alive, parameters)``; likewise ``first`` and ``second``, Adam's moments.
        buffers: by name, ``(alive, *shape)``.
        steps: of the optimizer so far.
        epoch: the one that is under way, counted from 1.
        tally: of its batches so far.
        orders: the states in which the generators of the order of ``alive`` began it.
        histories: of every member, a row for each epoch before it.
        best: ``(members, parameters)``, weights of the epoch of these that was best on validation.
        diverged: places of members whose loss became infinite or not a number.
    """

    def __init__(self, members: Sequence[Member], program: Program) -> None:
        self.members = members
        one = program.parameters()
        self.device = next(iter(one.values())).device
        self._shapes = {name: value.shape for name, value in one.items()}
        self.alive = list(range(len(members)))
        own = program.weights(dict.fromkeys(one, torch.empty(0)))
        self.weights = torch.stack(
            [torch.cat([member.start[name].flatten() for name in own]) for member in members]
        ).to(self.device)
        self.first, self.second = (torch.zeros_like(self.weights) for _ in range(2))
        self.best = torch.zeros_like(self.weights)
        self.weights.requires_grad_()
        self.buffers = {
            name: value.repeat(len(members), *[1] * value.dim())
            for name, value in program.buffers().items()
        }
        self.steps, self.epoch, self.tally = 0, 1, Tally()
        self.histories: list[History] = [[] for _ in members]
        self.diverged: list[int] = []
        self.orders = self._order_states()

    def trained(self) -> list[Member]:
        """Give the members that are still trained."""
        return [self.members[place] for place in self.alive]

    def parameters(self) -> dict[str, Tensor]:
        """Give the weights of ``alive``, by the program's names, as views."""
        return self.named(self.weights)

    def named(self, weights: Tensor) -> dict[str, Tensor]:
        """Take rows ``(members, parameters)`` apart, by the program's names, as views."""
        sizes = [shape.numel() for shape in self._shapes.values()]
        return {
            name: part.view(len(weights), *shape)
            for part, (name, shape) in zip(
                torch.split(weights, sizes, dim=1), self._shapes.items(), strict=True
            )
        }

    def step(self, gradient: Tensor) -> None:
        """Let Adam move every member by its own rate.

        Args:
            gradient: ``(alive, parameters)``.
        """
        count = torch.tensor(float(self.steps), device=self.device)
        with torch.no_grad():
            for (rate, decay), rows in self._runs():
                adamw(
                    [self.weights[rows]],
                    [gradient[rows]],
                    [self.first[rows]],
                    [self.second[rows]],
                    [],
                    [count.clone()],  # counted up by the call
                    fused=self.device.type in ("cpu", "cuda"),
                    amsgrad=False,
                    beta1=DECAYS[0],
                    beta2=DECAYS[1],
                    lr=rate,
                    weight_decay=decay,
                    eps=TINY,
                    maximize=False,
                )
        self.steps += 1

    def _runs(self) -> list[tuple[tuple[float, float], slice]]:
        """Give the rows that lie together and have the same rate and weight decay."""
        schedules = [member.schedule for member in self.trained()]
        rates = [(rate_at(each, self.epoch), each.weight_decay) for each in schedules]
        runs, start = [], 0
        for rate, same in groupby(rates):
            end = start + len([*same])
            runs.append((rate, slice(start, end)))
            start = end
        return runs

    def finish_epoch(self, figures: Sequence[dict[str, float]], finite: Sequence[bool]) -> None:
        """Put down the figures of ``alive``, let those go that are done, and begin the next.

        Args:
            figures: of each.
            finite: whether all figures of each are; where they are not it has diverged.
        """
        stays: list[int] = []  # rows
        for row, place in enumerate(self.alive):
            if not finite[row]:
                self.diverged.append(place)
                continue
            history, schedule = self.histories[place], self.members[place].schedule
            history.append({"epoch": self.epoch, **figures[row]})
            best = best_epoch(history)
            if best is history[-1]:
                self.best[place] = self.weights[row].detach()
            waited = self.epoch - best["epoch"]
            if waited < schedule.patience and self.epoch < schedule.epochs:
                stays.append(row)
        if len(stays) < len(self.alive):
            self._keep_rows(stays)
        self.epoch += 1
        self.tally = Tally()
        self.orders = self._order_states()

    def standing(self, epoch: int) -> dict[str, float]:
        """Give how many members were trained in an epoch, and the lowest validation loss in it."""
        losses = [h[epoch - 1]["valid_total"] for h in self.histories if len(h) >= epoch]
        return {"trained": len(losses), **({"lowest_valid_total": min(losses)} if losses else {})}

    def _keep_rows(self, rows: list[int]) -> None:
        chosen = torch.tensor(rows, dtype=torch.int64, device=self.device)
        self.weights = self.weights.detach()[chosen].requires_grad_()
        self.first, self.second = self.first[chosen], self.second[chosen]
        self.buffers = {name: value[chosen] for name, value in self.buffers.items()}
        self.alive = [self.alive[row] for row in rows]

    def _order_states(self) -> list[Tensor]:
        return [member.randomness.order.get_state() for member in self.trained()]

    def noises(self) -> list[Generator]:
        """Give the generators of the noise of ``alive``."""
        return [member.randomness.noise for member in self.trained()]
