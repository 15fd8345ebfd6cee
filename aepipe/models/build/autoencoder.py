"""Blueprints of deterministic autoencoders, any architecture."""

from collections.abc import Sequence
from typing import assert_never

from aepipe.models.build.convolutional import convolutional_arguments
from aepipe.models.build.dense import dense_arguments, k_sparse_arguments
from aepipe.models.build.sequence import lstm_arguments, transformer_arguments
from aepipe.models.files import Blueprint
from aepipe.params.convolutional import Convolutional
from aepipe.params.dense import Dense, KSparse
from aepipe.params.models import Autoencoder
from aepipe.params.sequence import Lstm, Transformer


def autoencoder_blueprint(config: Autoencoder, shape: Sequence[int]) -> Blueprint:
    """Plan the network of ``config`` for samples of ``shape``."""
    architecture = config.architecture
    common = {"shape": list(shape), "reconstruction": config.reconstruction}
    match architecture:
        case Dense():
            return Blueprint("deep", {**common, **dense_arguments(architecture)})
        case Convolutional():
            return Blueprint("convolutional", {**common, **convolutional_arguments(architecture)})
        case KSparse():
            return Blueprint("k_sparse", {**common, **k_sparse_arguments(architecture)})
        case Lstm():
            return Blueprint("lstm", {**common, **lstm_arguments(architecture)})
        case Transformer():
            return Blueprint("transformer", {**common, **transformer_arguments(architecture)})
        case _:
            assert_never(architecture)
