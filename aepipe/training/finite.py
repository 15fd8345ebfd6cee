"""Infinite losses and weights, caught where they begin."""

import math
from collections.abc import Mapping

import torch

from aepipe.errors import DivergedError
from aepipe.training.state import State


def require_finite(state: State) -> None:
    """Hold that no number of the epoch under way is infinite or none, up to its last step.

    Asks the device, and so is for where a checkpoint is due or an epoch over: what was written
    before stays the last good one.

    Raises:
        DivergedError: with epoch and batch, or with the first weights that are not finite.
    """
    advice = (
        f"lower training.learning_rate ({state.optimizer.param_groups[0]['lr']:.3g} in this epoch)"
        ", or train in float32 where precision says otherwise; the epoch before was the last good"
    )
    at = f"epoch {state.epoch}"
    if state.tally.sizes:
        values = state.tally.values.cpu()
        wrong = torch.nonzero(~values.isfinite().all(dim=1)).flatten().tolist()
        if wrong:
            terms = dict(zip(state.tally.names, values[wrong[0]].tolist(), strict=True))
            raise DivergedError(f"{at}, batch {wrong[0] + 1}: the loss is {terms}; {advice}")
    for name, weights in state.model.named_parameters():
        if not bool(weights.isfinite().all()):
            raise DivergedError(
                f"{at}, batch {len(state.tally.sizes)}: the loss is finite, and its gradient left "
                f"{name} infinite or not a number; {advice}"
            )


def require_finite_figures(figures: Mapping[str, float], state: State) -> None:
    """Hold that the figures of the epoch under way are finite.

    Raises:
        DivergedError: with the batch, where it was in training.
    """
    if not all(map(math.isfinite, figures.values())):
        require_finite(state)
        raise DivergedError(
            f"epoch {state.epoch}: the loss is {dict(figures)}; lower training.learning_rate"
        )
