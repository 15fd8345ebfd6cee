"""The training loop: knows no tracker, no file and no params section."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, final

import torch
from torch import Generator, nn

from aepipe.monitor import Monitor
from aepipe.objectives.loss import Loss
from aepipe.training.checkpoint import resume, write_checkpoint
from aepipe.training.device import precision_context
from aepipe.training.feed import Feed
from aepipe.training.finite import require_finite_figures
from aepipe.training.optimizer import adamw, step_of
from aepipe.training.parallel import team
from aepipe.training.state import History, Randomness, State, Tally


@final
@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast to train: the params section without its types."""

    epochs: int
    learning_rate: float
    schedule: Literal["constant", "cosine"]
    weight_decay: float
    patience: int
    precision: Literal["float32", "bfloat16"]


def fit(
    model: nn.Module,
    loss: Loss,
    feeds: tuple[Feed, Feed],
    schedule: Schedule,
    randomness: Randomness,
    monitor: Monitor,
) -> History:
    """Train ``model`` in place; it ends with the weights of the epoch best on validation.

    Args:
        model: on the device of the feeds.
        loss: gives named terms, each a mean over its batch.
        feeds: of the training and the validation split.
        schedule: how long and how fast.
        randomness: where chance comes from.
        monitor: is told the figures of each epoch, and has the checkpoints of an earlier try.

    Returns:
        One row per epoch: ``epoch``, ``train_TERM``, ``valid_TERM``, and the totals.

    Raises:
        DivergedError: a loss became infinite or not a number.
        Interrupted: the process was asked to end; the next try goes on where this one stopped.
    """
    train, valid = feeds
    processes = team(model, loss)
    optimizer = adamw(model, schedule.learning_rate, schedule.weight_decay)
    state, step = State(model, loss, optimizer, randomness), step_of(optimizer)
    with monitor.checkpoints("network") as checkpoints:
        resume(state, processes.agree(checkpoints.found()), monitor)
        keep = partial(checkpoints.offer, partial(write_checkpoint, state=state))

        for epoch in monitor.progress(range(state.epoch, schedule.epochs + 1), "epochs"):
            _set_rate(optimizer, schedule, epoch)
            model.train()
            for batch in train.shuffled(randomness.order, len(state.tally.sizes)):
                precision = precision_context(state.device, schedule.precision)
                with precision, processes.sharing(batch, randomness.noise) as share:
                    terms = loss(share, randomness.noise, epoch)
                total = state.tally.add(terms, len(batch.target))
                optimizer.zero_grad(set_to_none=True)
                torch.autograd.backward(total)
                processes.combine(model, state.tally)
                step()
                keep()

            processes.confirm(randomness.noise)
            figures = state.tally.means("train")
            figures |= validate(model, loss, valid, schedule, randomness.validation(), keep)
            require_finite_figures(figures, state)
            state.finish_epoch(figures)
            monitor.record(epoch, figures)
            best = state.best_epoch()
            if epoch - best["epoch"] >= schedule.patience:
                break

    model.load_state_dict(state.best)
    found, epochs = best["valid_total"], len(state.history)
    monitor.remark(f"epoch {best['epoch']} of {epochs} is best: valid_total {found:.4g}")
    return state.history


def validate(
    model: nn.Module,
    loss: Loss,
    feed: Feed,
    schedule: Schedule,
    noise: Generator,
    keep: Callable[[], None],
) -> dict[str, float]:
    """Give the mean of each term over ``feed``, weighted as in the last epoch.

    What training has changed stays as it is, so that ``keep``, which may be called at any batch,
    keeps the state after the last step.
    """
    device = next(model.parameters()).device
    model.eval()
    tally = Tally()
    with torch.no_grad(), precision_context(device, schedule.precision):
        for batch in feed.in_order():
            tally.add(loss(batch, noise, schedule.epochs), len(batch.target))
            keep()
    return tally.means("valid")


def _set_rate(optimizer: torch.optim.Optimizer, schedule: Schedule, epoch: int) -> None:
    """Set the learning rate of an epoch; so it has no state to keep."""
    for group in optimizer.param_groups:
        group["lr"] = rate_at(schedule, epoch)


def rate_at(schedule: Schedule, epoch: int) -> float:
    """Give the learning rate of an epoch, counted from 1."""
    factor = 1.0
    if schedule.schedule == "cosine":
        factor = (1 + math.cos(math.pi * (epoch - 1) / schedule.epochs)) / 2
    return schedule.learning_rate * factor
