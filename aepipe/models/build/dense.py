"""Arguments of dense networks, from their sections."""

from typing import Any

from aepipe.models.files import Blueprint
from aepipe.params.dense import Dense, KSparse
from aepipe.params.stack import AutoencoderLayer


def dense_arguments(config: Dense) -> dict[str, Any]:
    """Give what a deep autoencoder needs beside the samples' shape."""
    hidden = [config.activation] * len(config.widths)
    return {
        "widths": [*config.widths, config.code_size],
        "nonlinearities": [*hidden, "linear"],
        "decoder_nonlinearities": hidden,
    }


def k_sparse_arguments(config: KSparse) -> dict[str, Any]:
    """Give what a k-sparse autoencoder needs beside the samples' shape."""
    return {
        "code_size": config.code_size,
        "k": config.k,
        "evaluation_k": round(config.evaluation_factor * config.k),
    }


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
