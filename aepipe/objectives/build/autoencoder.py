"""Losses of deterministic autoencoders, from their sections."""

from collections.abc import Sequence
from typing import Literal, cast

from torch import Generator, Tensor, nn

from aepipe.corruption.build import build_selection
from aepipe.corruption.noise import Corrupt
from aepipe.objectives.autoencoder import Network, Weighted, reconstruction_loss
from aepipe.objectives.build.penalties import penalty_term
from aepipe.objectives.loss import Loss
from aepipe.objectives.reconstruction import emphasis
from aepipe.params.corruption import Corruption, Emphasis, Selective
from aepipe.params.penalties import Penalty


def autoencoder_loss(
    model: Network,
    reconstruction: Literal["squared", "bernoulli", "absolute"],
    corrupt: Corrupt,
    penalties: Sequence[Penalty],
    weigh: Corrupt | None = None,
) -> Loss:
    """Give the loss of :func:`reconstruction_loss` with ``penalties`` as declared."""
    weighted = weighted_terms(model, penalties)
    return reconstruction_loss(model, reconstruction, corrupt, weighted, weigh)


def weighted_terms(model: Network, penalties: Sequence[Penalty]) -> dict[str, Weighted]:
    """Give the terms of ``penalties`` with their weights, by kind."""
    return {
        each.kind: Weighted(penalty_term(each, cast(nn.Module, model)), each.weight)
        for each in penalties
    }


def emphasis_weights(config: Emphasis | None, corruption: Corruption) -> Corrupt | None:
    """Give the weight of each component by whether ``corruption`` is about to touch it.

    The generator is left as it was. None where nothing is emphasised.
    """
    if config is None or not isinstance(corruption, Selective):
        return None
    select = build_selection(corruption)

    def weigh(x: Tensor, generator: Generator, index: Tensor | None = None) -> Tensor:
        touched = select(x, generator.clone_state(), index)
        return emphasis(touched, config.corrupted, config.intact)

    return weigh
