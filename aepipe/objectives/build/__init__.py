"""From params sections to losses; the only place that knows sections, networks and terms."""

from typing import assert_never, cast

from torch import nn

from aepipe.corruption.build import build_corruption
from aepipe.models.rbm import RestrictedBoltzmannMachine
from aepipe.models.vae import VariationalNetwork
from aepipe.objectives.autoencoder import Network
from aepipe.objectives.build.autoencoder import autoencoder_loss, emphasis_weights
from aepipe.objectives.build.energy import energy_loss
from aepipe.objectives.build.variational import variational_loss
from aepipe.objectives.loss import Loss
from aepipe.params.energy import Rbm, RbmLayer
from aepipe.params.models import Autoencoder, OneNetwork
from aepipe.params.stack import AutoencoderLayer, Layer
from aepipe.params.variational import Variational


def layer_loss(config: Layer, network: nn.Module, bounds: tuple[float, float] | None) -> Loss:
    """Give the loss with which a layer of the stack is trained.

    Args:
        config: the layer.
        network: built from its blueprint.
        bounds: smallest and largest value of the layer's input; None where it has none.
    """
    match config:
        case AutoencoderLayer():
            return _reconstruction_loss(config, network, bounds)
        case RbmLayer():
            return energy_loss(config.gradient, cast(RestrictedBoltzmannMachine, network))
        case _:
            assert_never(config)


def model_loss(config: OneNetwork, network: nn.Module, bounds: tuple[float, float] | None) -> Loss:
    """Give the loss with which an entry of ``models:`` that is one network is trained.

    Args:
        config: the entry.
        network: built from its blueprint.
        bounds: smallest and largest value of the samples; None where they have none.
    """
    match config:
        case Autoencoder():
            return _reconstruction_loss(config, network, bounds)
        case Variational():
            return variational_loss(config, cast(VariationalNetwork, network))
        case Rbm():
            return energy_loss(config.gradient, cast(RestrictedBoltzmannMachine, network))
        case _:
            assert_never(config)


def _reconstruction_loss(
    config: AutoencoderLayer | Autoencoder, network: nn.Module, bounds: tuple[float, float] | None
) -> Loss:
    return autoencoder_loss(
        cast(Network, network),
        config.reconstruction,
        build_corruption(config.corruption, bounds),
        config.penalties,
        emphasis_weights(config.emphasis, config.corruption),
    )
