"""aepipe's trainer as its stages use it: ``fit`` on a resident feed, with validation and all."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, final

import torch
from torch import Generator, Tensor, nn

from aepipe.monitor import Silent
from aepipe.objectives.loss import Loss
from aepipe.training.feed import Feed, Resident
from aepipe.training.loop import Schedule, fit
from aepipe.training.state import Randomness
from benchmarks.measure import Work
from benchmarks.networks import Network

Precision = Literal["float32", "bfloat16"]
RATE = 1e-3
VALIDATED = 32  # samples: what a stage validates on is a tenth of an epoch, at a third of its cost


@final
@dataclass(frozen=True, slots=True)
class Setting:
    """What is trained, and how.

    Attributes:
        network: which.
        batch: samples in each step.
        precision: of the products.
        device: where.
        stored: ``(rows, features)`` on the device, uint8.
    """

    network: Network
    batch: int
    precision: Precision
    device: torch.device
    stored: Tensor


def build(setting: Setting) -> tuple[nn.Module, Loss]:
    """Make the network on its device."""
    torch.manual_seed(0)
    with setting.device:
        return setting.network.build()


def training(setting: Setting) -> Work:
    """Give what trains for so many steps, one epoch of them."""
    model, loss = build(setting)
    rows = resident(setting)

    def work(times: int) -> None:
        drawn = torch.arange(times * setting.batch) % len(setting.stored)
        train_epoch(model, loss, Feed(rows, rows, None, drawn, setting.batch), setting.precision)

    return work


def train_epoch(model: nn.Module, loss: Loss, train: Feed, precision: Precision) -> None:
    """Train for an epoch as a stage does, with a validation on the first few of the same rows."""
    schedule = Schedule(1, RATE, "constant", 0.0, 1, precision)
    valid = replace(train, indices=torch.arange(VALIDATED))
    device = next(model.parameters()).device
    fit(model, loss, (train, valid), schedule, randomness(device), Silent())


def one_step(setting: Setting) -> Callable[[], None]:
    """Give the forward and backward pass of one step, for the products in it."""
    model, loss = build(setting)
    batch = next(Feed(*[resident(setting)] * 2, None, torch.arange(setting.batch), setting.batch)
                 .in_order())  # fmt: skip
    enabled = setting.precision == "bfloat16"

    def step() -> None:
        model.train()
        with torch.autocast(setting.device.type, torch.bfloat16, enabled=enabled):
            terms = loss(batch, randomness(setting.device).noise, 1)
        torch.autograd.backward(torch.stack([*terms.values()]).sum())

    return step


def resident(setting: Setting) -> Resident:
    """Give the rows as a stage has them."""
    stored = setting.stored.view(-1, *setting.network.shape)
    scale, offset = torch.tensor(1 / 255), torch.tensor(0.0)
    return Resident(stored, scale.to(setting.device), offset.to(setting.device))


def randomness(device: torch.device) -> Randomness:
    """Give generators in a state of their own."""
    return Randomness(
        order=Generator().manual_seed(0),
        noise=Generator(device).manual_seed(1),
        validation=lambda: Generator(device).manual_seed(2),
    )
