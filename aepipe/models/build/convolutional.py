"""Arguments of convolutional networks, from their sections."""

from typing import Any

from aepipe.params.convolutional import Convolutional


def convolutional_arguments(config: Convolutional) -> dict[str, Any]:
    """Give what a convolutional autoencoder needs beside the samples' shape."""
    return {"convolutions": config.convolutions(), "code_size": config.code_size}
