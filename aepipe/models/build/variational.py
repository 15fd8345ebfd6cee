"""Blueprints of variational autoencoders."""

from collections.abc import Sequence
from typing import assert_never

from aepipe.models.files import Blueprint
from aepipe.params.variational import BernoulliDecoder, GaussianDecoder, Variational

LEARNED_VARIANCE_START = 0.1  # of unit-range data; where descent starts, not where it ends


def variational_blueprint(config: Variational, shape: Sequence[int]) -> Blueprint:
    """Plan the network of ``config`` for samples of ``shape``."""
    match config.decoder:
        case BernoulliDecoder():
            likelihood, variance = "bernoulli", 1.0
        case GaussianDecoder():
            learned = config.decoder.variance == "learned"
            likelihood = "gaussian_learned" if learned else "gaussian"
            variance = LEARNED_VARIANCE_START if learned else float(config.decoder.variance)
        case _:
            assert_never(config.decoder)
    arguments = {
        "shape": list(shape),
        "widths": list(config.widths),
        "code_size": config.code_size,
        "nonlinearity": config.activation,
        "likelihood": likelihood,
        "variance": variance,
    }
    return Blueprint("variational", arguments)
