"""The range of a trained network's code."""

from typing import cast

from torch import nn

from aepipe.models.dense import Classifier, DeepAutoencoder, TiedAutoencoder
from aepipe.models.k_sparse import KeepLargest, KSparse
from aepipe.models.rbm import RestrictedBoltzmannMachine


def bounds_of_code(model: nn.Module) -> tuple[float, float] | None:
    """Give the smallest and largest value of the code's units, where its last activation has them.

    A unit that a sparse code leaves out is 0, which lies within the range of each of them.
    """
    if isinstance(model, RestrictedBoltzmannMachine):
        return (0.0, 1.0) if model.hidden == "bernoulli" else None
    if isinstance(model, KSparse):
        return bounds_of_code(cast(nn.Module, model.network))
    if not isinstance(model, DeepAutoencoder | TiedAutoencoder | Classifier):
        return None  # every other code is linear
    for module in reversed(model.encoder):
        if isinstance(module, nn.Sigmoid):
            return 0.0, 1.0
        if isinstance(module, nn.Tanh):
            return -1.0, 1.0
        if not isinstance(module, KeepLargest):
            break
    return None
