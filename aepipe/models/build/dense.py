"""Blueprints of dense networks, from their sections."""

from typing import Any

from aepipe.models.files import Blueprint
from aepipe.params.dense import Dense, Linear
from aepipe.params.stack import AutoencoderLayer


def linear_blueprint(config: Linear, common: dict[str, Any]) -> Blueprint:
    """Plan one linear layer each way.

    Args:
        config: the section.
        common: arguments that every autoencoder has.
    """
    arguments = {
        "widths": [config.code_size],
        "nonlinearities": ["linear"],
        "decoder_nonlinearities": [],
    }
    return Blueprint("tied" if config.tied else "deep", {**common, **arguments})


def dense_blueprint(config: Dense, common: dict[str, Any]) -> Blueprint:
    """Plan a mirror-image perceptron.

    Args:
        config: the section.
        common: arguments that every autoencoder has.
    """
    hidden = [config.activation] * len(config.widths)
    arguments: dict[str, Any] = {
        "widths": [*config.widths, config.code_size],
        "nonlinearities": [*hidden, config.code_activation],
        "decoder_nonlinearities": hidden,
    }
    declared = {"dropout": config.dropout, "normalisation": config.normalisation}
    options = {name: value for name, value in declared.items() if value is not None}
    if options:
        arguments["options"] = options
    return Blueprint("tied" if config.tied else "deep", {**common, **arguments})


def layer_of_autoencoder(config: AutoencoderLayer, input_size: int) -> Blueprint:
    """Plan one denoising layer of the stack for inputs of ``input_size`` features."""
    arguments = {
        "input_size": input_size,
        "units": config.units,
        "nonlinearity": config.activation,
        "tied": config.tied,
        "reconstruction": config.reconstruction,
    }
    return Blueprint("layer", arguments)
