"""The training loop: knows no tracker, no file and no params section."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, final

import torch
from torch import Generator, Tensor, nn

from aepipe.errors import DivergedError
from aepipe.monitor import Monitor
from aepipe.objectives.loss import Loss
from aepipe.training.device import precision_context
from aepipe.training.feed import Feed

History = list[dict[str, float]]


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
        monitor: is told the figures of each epoch.

    Returns:
        One row per epoch: ``epoch``, ``train_TERM``, ``valid_TERM``, and the totals.

    Raises:
        DivergedError: a loss became infinite or not a number.
    """
    train, valid = feeds
    device = next(model.parameters()).device
    optimizer = torch.optim.AdamW(
        [p for p in model.parameters() if p.requires_grad],
        lr=schedule.learning_rate,
        weight_decay=schedule.weight_decay,
        fused=device.type in ("cpu", "cuda"),
    )
    rate = torch.optim.lr_scheduler.LambdaLR(optimizer, _rate(schedule))
    best = (math.inf, 0, _copy(model))
    history: History = []

    for epoch in monitor.progress(range(1, schedule.epochs + 1), "epochs"):
        model.train()
        sizes: list[int] = []
        values: list[Tensor] = []
        for batch in train.shuffled(randomness.order):
            with precision_context(device, schedule.precision):
                terms = loss(batch, randomness.noise, epoch)
            total = torch.stack([*terms.values()]).sum()
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(total)
            optimizer.step()
            sizes.append(len(batch.target))
            values.append(torch.stack([*terms.values(), total]).detach())
        rate.step()

        figures = _means("train", [*terms, "total"], sizes, values)
        figures |= validate(model, loss, valid, schedule, randomness.validation())
        if not all(map(math.isfinite, figures.values())):
            raise DivergedError(
                f"epoch {epoch}: the loss is {figures}; lower training.learning_rate"
            )
        history.append({"epoch": epoch, **figures})
        monitor.record(epoch, figures)
        if figures["valid_total"] < best[0]:
            best = (figures["valid_total"], epoch, _copy(model))
        if epoch - best[1] >= schedule.patience:
            break

    model.load_state_dict(best[2])
    monitor.remark(f"epoch {best[1]} of {len(history)} is best: valid_total {best[0]:.4g}")
    return history


def validate(
    model: nn.Module, loss: Loss, feed: Feed, schedule: Schedule, noise: Generator
) -> dict[str, float]:
    """Give the mean of each term over ``feed``, weighted as in the last epoch."""
    device = next(model.parameters()).device
    model.eval()
    sizes: list[int] = []
    values: list[Tensor] = []
    with torch.no_grad(), precision_context(device, schedule.precision):
        for batch in feed.in_order():
            terms = loss(batch, noise, schedule.epochs)
            sizes.append(len(batch.target))
            values.append(torch.stack([*terms.values(), torch.stack([*terms.values()]).sum()]))
    return _means("valid", [*terms, "total"], sizes, values)


def _means(
    prefix: str, names: list[str], sizes: list[int], values: list[Tensor]
) -> dict[str, float]:
    share = torch.tensor(sizes, dtype=torch.float64) / sum(sizes)  # the last batch may be smaller
    means = (share @ torch.stack(values).cpu().double()).tolist()  # one device sync per epoch
    return {f"{prefix}_{name}": mean for name, mean in zip(names, means, strict=True)}


def _rate(schedule: Schedule) -> Callable[[int], float]:
    """Factor on the learning rate after so many epochs."""
    if schedule.schedule == "constant":
        return lambda epoch: 1.0
    return lambda epoch: (1 + math.cos(math.pi * epoch / schedule.epochs)) / 2


def _copy(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}
