"""What a trained network looks like that has learned nothing, told with the figure and advice."""

from typing import Protocol, cast, runtime_checkable

import torch
from torch import Tensor, nn

from aepipe.errors import ContractError
from aepipe.models.vae import VariationalAutoencoder
from aepipe.monitor import Monitor
from aepipe.params.training import Limits
from aepipe.training.feed import Feed
from aepipe.training.state import History

INACTIVE = 0.01  # variance of a posterior mean: Burda et al. (2016), appendix C
CONSTANT = 1e-8  # variance of any other unit; float32 gives less than that to one that never moves
MANY = 0.5  # share of collapsed units from which on a person is warned


@runtime_checkable
class Encodes(Protocol):
    """A network with a code."""

    def encode(self, x: Tensor) -> Tensor:
        """Give the codes ``(n, code_size)`` of samples."""
        ...


def inspect(
    model: nn.Module, valid: Feed, history: History, limits: Limits | None, monitor: Monitor
) -> None:
    """Warn of a trained network whose code says little, or that ended worse than it began.

    Args:
        model: as it is kept.
        valid: the validation split.
        history: of its training.
        limits: what fails the stage, where that is declared.
        monitor: is warned.

    Raises:
        ContractError: beyond ``limits``.
    """
    limits = limits or Limits()
    first, last = history[0]["valid_total"], history[-1]["valid_total"]
    if last > first:
        text = (
            f"diverging: the validation loss ended at {last:.4g}, after {first:.4g} in the first "
            "epoch; lower training.learning_rate or patience"
        )
        _tell(text, limits.rise is not None and last - first > limits.rise, "rise", monitor)
    if isinstance(model, Encodes):
        dead, size = collapsed_units(model, valid)
        text = (
            f"collapsed: {dead} of {size} units of the code say nothing on the validation split; "
            "lower training.learning_rate, the penalties or kl_weight, or take fewer units"
        )
        beyond = limits.collapsed is not None and dead > limits.collapsed * size
        if beyond or dead >= MANY * size:
            _tell(text, beyond, "collapsed", monitor)


@torch.no_grad()
def collapsed_units(model: Encodes, feed: Feed) -> tuple[int, int]:
    """Count the units of the code that are constant over ``feed``; give that and their number.

    Of a Gaussian posterior, whose mean is the code, those that vary by less than :data:`INACTIVE`
    have collapsed to the prior.
    """
    network = cast(nn.Module, model)
    was_training = network.training
    network.eval()
    codes = [model.encode(batch.target).flatten(1).double() for batch in feed.in_order()]
    network.train(was_training)
    variances = torch.cat(codes).var(dim=0, correction=0)
    gaussian = isinstance(model, VariationalAutoencoder) and model.latent == "gaussian"
    least = INACTIVE if gaussian else CONSTANT
    return int((variances <= least).sum()), len(variances)


def _tell(text: str, beyond: bool, limit: str, monitor: Monitor) -> None:
    if beyond:
        raise ContractError(f"{text}; more than training.limits.{limit} allows")
    monitor.warn(text)
