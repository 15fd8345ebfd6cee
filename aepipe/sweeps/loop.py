"""The training loop of a group: what :func:`aepipe.training.loop.fit` does, for all at once."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import final

import torch
from torch import Generator, Tensor

from aepipe.monitor import Monitor
from aepipe.objectives.loss import Terms
from aepipe.sweeps.checkpoint import resume, write_checkpoint
from aepipe.sweeps.program import ACTIVE, Program, Rows
from aepipe.sweeps.state import GroupState, Member
from aepipe.training.device import precision_context
from aepipe.training.feed import Feed
from aepipe.training.feed import Rows as Stored
from aepipe.training.state import History, Tally

Figures = list[dict[str, float]]


@final
@dataclass(frozen=True, slots=True)
class Trained:
    """How the training of a member went.

    Attributes:
        history: a row for each epoch, as :func:`aepipe.training.loop.fit` gives it; up to the last
            whole one where it diverged.
        weights: of the epoch best on validation, by the network's own names; none where there is
            no such epoch.
        diverged: whether its loss became infinite or not a number.
    """

    history: History
    weights: dict[str, Tensor]
    diverged: bool


def fit_group(
    members: Sequence[Member],
    program: Program,
    feeds: tuple[Feed, Feed],
    monitor: Monitor,
) -> list[Trained]:
    """Train ``members`` at once, each as if it were alone but for the rounding of sums.

    Args:
        members: of one shape, batch size and precision.
        program: of that shape, on the device of the feeds.
        feeds: of the training and the validation split, which all members are shown.
        monitor: is told what the epochs have come to, and has the checkpoints of an earlier try.

    Returns:
        In the order of ``members``.

    Raises:
        Interrupted: the process was asked to end; the next try goes on where this one stopped.
    """
    train, valid = feeds
    state = GroupState(members, program)
    with monitor.checkpoints("members") as checkpoints:
        resume(state, checkpoints.found(), monitor)
        keep = partial(checkpoints.offer, partial(write_checkpoint, state=state))
        longest = max(member.schedule.epochs for member in members)
        for epoch in monitor.progress(range(state.epoch, longest + 1), "epochs"):
            if not state.alive:
                break
            program.train(True)
            loss = _loss(state, program, [epoch] * len(state.alive))
            for rows, size in _shuffled(state, train):
                total = state.tally.add(loss(rows), size).sum()  # no member depends on another
                (gradient,) = torch.autograd.grad(total, state.weights)
                state.step(gradient)
                keep()
            figures = state.tally.means_of_each("train")
            for row, more in zip(figures, _validate(state, program, valid, keep), strict=True):
                row |= more
            finite = [all(map(math.isfinite, row.values())) for row in figures]
            state.finish_epoch(figures, finite)
            monitor.record(epoch, state.standing(epoch))
    return _trained(state, program)


def _validate(state: GroupState, program: Program, feed: Feed, keep: Callable[[], None]) -> Figures:
    """Give the means over ``feed``, with as many active units as at the end of each schedule."""
    program.train(False)
    tally = Tally()
    members = state.trained()
    noises = [member.randomness.validation() for member in members]
    loss = _loss(state, program, [member.schedule.epochs for member in members])
    for batch in feed.in_order():
        alike = (len(members), *batch.target.shape)
        clean = batch.input.expand(alike), batch.target.expand(alike)
        index = None if batch.index is None else batch.index.expand(alike[:2])
        with torch.no_grad():
            rows = _drawn(members, noises, clean, index)
            tally.add(loss(rows), alike[1])
        keep()
    return tally.means_of_each("valid")


def _shuffled(state: GroupState, feed: Feed) -> Iterator[tuple[Rows, int]]:
    """Go through the samples once, each member in its own order, with its own noise.

    The batches that the tally has are left out.
    """
    members = state.trained()
    count = len(feed.indices)
    orders = torch.stack(  # (members, samples)
        [feed.indices[torch.randperm(count, generator=m.randomness.order)] for m in members]
    )
    done = len(state.tally.sizes) * feed.batch_size
    for chosen in torch.split(orders[:, done:], feed.batch_size, dim=1) if done < count else ():
        shown = _fetched(feed.input, chosen)
        target = shown if feed.target is feed.input else _fetched(feed.target, chosen)
        yield _drawn(members, state.noises(), (shown, target), chosen), chosen.shape[1]


def _fetched(rows: Stored, chosen: Tensor) -> Tensor:
    """Give ``(members, batch, *shape)``."""
    found = rows.fetch(chosen.flatten())
    return found.view(*chosen.shape, *found.shape[1:])


def _drawn(
    members: Sequence[Member],
    noises: Sequence[Generator],
    clean: tuple[Tensor, Tensor],
    index: Tensor | None,
) -> Rows:
    """Corrupt what each member is shown, and weigh its errors; each draws from its own stream."""
    shown, target = clean
    indices = [None] * len(members) if index is None else [*index]
    each = [*zip(members, shown, noises, indices, strict=True)]
    emphasised = None
    if any(member.weigh for member in members):
        # before the noise is drawn, so that both draw the same
        emphasised = torch.stack(
            [
                torch.ones_like(x) if member.weigh is None else member.weigh(x, noise, place)
                for member, x, noise, place in each
            ]
        )
    corrupted = torch.stack([member.corrupt(x, noise, place) for member, x, noise, place in each])
    return corrupted, target, emphasised


def _loss(state: GroupState, program: Program, epochs: Sequence[int]) -> Callable[[Rows], Terms]:
    """Give what computes the terms of every member, at an epoch of each."""
    members = state.trained()
    precision = members[0].schedule.precision
    factors = {
        kind: torch.tensor([member.factors[kind] for member in members], device=state.device)
        for kind in members[0].factors
    }
    counts = [m.active(epoch) for m, epoch in zip(members, epochs, strict=True) if m.active]
    active = {ACTIVE: torch.tensor(counts, device=state.device)} if counts else {}
    buffers = {**state.buffers, **active}

    def loss(rows: Rows) -> Terms:
        parameters = state.parameters()
        with precision_context(state.device, precision):
            terms = program.terms(parameters, buffers, rows)
        return {k: v * factors[k] if k in factors else v for k, v in terms.items()}

    return loss


def _trained(state: GroupState, program: Program) -> list[Trained]:
    best = program.weights(state.named(state.best))
    return [
        Trained(
            history,
            {name: rows[place].clone() for name, rows in best.items()} if history else {},
            place in state.diverged,
        )
        for place, history in enumerate(state.histories)
    ]
