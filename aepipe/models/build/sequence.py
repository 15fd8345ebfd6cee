"""Arguments of networks that read samples step by step, from their sections."""

from typing import Any

from aepipe.params.sequence import Lstm, Transformer


def lstm_arguments(config: Lstm) -> dict[str, Any]:
    """Give what an LSTM autoencoder needs beside the samples' shape."""
    return {"recurrence": config.recurrence(), "code_size": config.code_size}


def transformer_arguments(config: Transformer) -> dict[str, Any]:
    """Give what a transformer autoencoder needs beside the samples' shape."""
    masking = None if config.masking is None else config.masking.model_dump()
    return {"attention": config.attention(), "masking": masking, "code_size": config.code_size}
