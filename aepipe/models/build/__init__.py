"""From a params section to the blueprint of a network; the only place that knows both."""

from collections.abc import Sequence
from typing import assert_never

from aepipe.models.build.autoencoder import autoencoder_blueprint
from aepipe.models.build.dense import layer_of_autoencoder
from aepipe.models.build.energy import layer_of_rbm, rbm_blueprint
from aepipe.models.build.sparsity import with_sparsity
from aepipe.models.build.variational import variational_blueprint
from aepipe.models.files import Blueprint
from aepipe.params.energy import Rbm, RbmLayer
from aepipe.params.models import Autoencoder, Model, SemiAdversarial
from aepipe.params.stack import AutoencoderLayer, Layer
from aepipe.params.variational import Variational


def layer_blueprint(config: Layer, input_size: int) -> Blueprint:
    """Plan one layer of the stack for inputs of ``input_size`` features."""
    match config:
        case AutoencoderLayer():
            return with_sparsity(layer_of_autoencoder(config, input_size), config.sparsity)
        case RbmLayer():
            return layer_of_rbm(config, input_size)
        case _:
            assert_never(config)


def model_blueprint(config: Model, shape: Sequence[int]) -> Blueprint:
    """Plan an entry of ``models:`` for samples of ``shape``."""
    match config:
        case Autoencoder() | SemiAdversarial():
            return autoencoder_blueprint(config, shape)
        case Variational():
            return variational_blueprint(config, shape)
        case Rbm():
            return rbm_blueprint(config, shape)
        case _:
            assert_never(config)
