"""Blueprints of deterministic autoencoders, any architecture."""

from collections.abc import Sequence
from typing import assert_never

from aepipe.models.build.convolutional import convolutional_arguments
from aepipe.models.build.dense import dense_blueprint, linear_blueprint
from aepipe.models.build.sequence import lstm_arguments, transformer_arguments
from aepipe.models.build.sparsity import with_sparsity
from aepipe.models.files import Blueprint
from aepipe.params.convolutional import Convolutional
from aepipe.params.dense import Dense, Linear
from aepipe.params.models import Autoencoder, SemiAdversarial
from aepipe.params.sequence import Lstm, Transformer


def autoencoder_blueprint(config: Autoencoder | SemiAdversarial, shape: Sequence[int]) -> Blueprint:
    """Plan the network of ``config`` for samples of ``shape``."""
    plain = _architecture(config, shape)
    return with_sparsity(plain, config.sparsity) if isinstance(config, Autoencoder) else plain


def _architecture(config: Autoencoder | SemiAdversarial, shape: Sequence[int]) -> Blueprint:
    architecture = config.architecture
    common = {"shape": list(shape), "reconstruction": config.reconstruction}
    match architecture:
        case Linear():
            return linear_blueprint(architecture, common)
        case Dense():
            return dense_blueprint(architecture, common)
        case Convolutional():
            return Blueprint("convolutional", {**common, **convolutional_arguments(architecture)})
        case Lstm():
            return Blueprint("lstm", {**common, **lstm_arguments(architecture)})
        case Transformer():
            return Blueprint("transformer", {**common, **transformer_arguments(architecture)})
        case _:
            assert_never(architecture)
