"""Blueprints of variational autoencoders."""

from collections.abc import Sequence
from typing import assert_never

from aepipe.models.files import Blueprint
from aepipe.models.likelihood import LikelihoodArguments
from aepipe.params.variational import (
    BernoulliDecoder,
    Decoder,
    DiscretisedDecoder,
    GaussianDecoder,
    GaussianPosterior,
    Variational,
)

LEARNED_VARIANCE_START = 0.1  # of unit-range data; where descent starts, not where it ends


def variational_blueprint(config: Variational, shape: Sequence[int]) -> Blueprint:
    """Plan the network of ``config`` for samples of ``shape``."""
    trunk = {
        "convolutions": None if config.convolutions is None else config.convolutions.convolutions(),
        "widths": list(config.widths),
        "nonlinearity": config.activation,
    }
    arguments = {
        "shape": list(shape),
        "trunk": trunk,
        "code_size": config.code_size,
        "likelihood": likelihood_arguments(config.decoder),
    }
    if config.upper is not None:
        upper = {
            "widths": list(config.upper.widths),
            "code_size": config.upper.code_size,
            "nonlinearity": config.activation,
        }
        return Blueprint("two_layer_variational", {**arguments, "upper": upper})
    gaussian = isinstance(config.posterior, GaussianPosterior)
    latent = "gaussian" if gaussian else "hyperspherical"
    return Blueprint("variational", {**arguments, "latent": latent})


def likelihood_arguments(decoder: Decoder) -> LikelihoodArguments:
    """Take from the section what the likelihood is built from."""
    match decoder:
        case BernoulliDecoder():
            return {"kind": "bernoulli"}
        case GaussianDecoder(variance="learned"):
            return {"kind": "gaussian_learned", "variance": LEARNED_VARIANCE_START}
        case GaussianDecoder():
            return {"kind": "gaussian", "variance": float(decoder.variance)}
        case DiscretisedDecoder():
            return {"kind": "discretised_logistic", "levels": decoder.levels}
        case _:
            assert_never(decoder)
