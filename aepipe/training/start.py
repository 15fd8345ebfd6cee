"""What a network takes from the training data before the first step."""

import torch
from torch import Tensor, nn

from aepipe.models.rbm import RestrictedBoltzmannMachine
from aepipe.training.feed import Feed


def start_from_data(model: nn.Module, train: Feed) -> None:
    """Give a restricted Boltzmann machine the means of ``train``; other networks need nothing."""
    if isinstance(model, RestrictedBoltzmannMachine):
        model.start_from(feature_means(train))


def feature_means(feed: Feed) -> Tensor:
    """Give the mean of each feature over ``feed``, ``(*shape)``."""
    total: Tensor | None = None
    for batch in feed.in_order():
        added = batch.target.sum(dim=0, dtype=torch.float64)
        total = added if total is None else total + added
    if total is None:
        raise ValueError("no samples, so no means; expected a feed of at least one")
    return (total / len(feed.indices)).float()
