"""From a params section to the blueprint of a network; the only place that knows both."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import assert_never

from aepipe.models.files import Blueprint
from aepipe.models.outputs import Activation
from aepipe.params.models import (
    BernoulliDecoder,
    Convolutional,
    Dense,
    GaussianDecoder,
    KSparse,
    Layer,
    Model,
    Vae,
)

LEARNED_VARIANCE_START = 0.1  # of unit-range data; where descent starts, not where it ends


def layer_blueprint(config: Layer, input_size: int) -> Blueprint:
    """Plan one layer of the stack for inputs of ``input_size`` features."""
    arguments = {
        "input_size": input_size,
        "units": config.units,
        "nonlinearity": config.activation,
        "tied": config.tied,
        "reconstruction": config.reconstruction,
    }
    return Blueprint("layer", arguments)


def model_blueprint(config: Model, shape: Sequence[int]) -> Blueprint:
    """Plan an entry of ``models:`` for samples of ``shape``."""
    architecture = config.architecture
    common = {"shape": list(shape), "reconstruction": config.reconstruction}
    match architecture:
        case Dense():
            hidden = [architecture.activation] * len(architecture.widths)
            arguments = {
                "widths": [*architecture.widths, architecture.code_size],
                "nonlinearities": [*hidden, "linear"],
                "decoder_nonlinearities": hidden,
            }
            return Blueprint("deep", {**common, **arguments})
        case Convolutional():
            arguments = {
                "channels": list(architecture.channels),
                "code_size": architecture.code_size,
                "nonlinearity": architecture.activation,
            }
            return Blueprint("convolutional", {**common, **arguments})
        case KSparse():
            arguments = {
                "code_size": architecture.code_size,
                "k": architecture.k,
                "evaluation_k": round(architecture.evaluation_factor * architecture.k),
            }
            return Blueprint("k_sparse", {**common, **arguments})
        case _:
            assert_never(architecture)


def vae_blueprint(config: Vae, shape: Sequence[int]) -> Blueprint:
    """Plan the VAE for samples of ``shape``."""
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


def unrolled_blueprint(layers: Sequence[Blueprint], shape: Sequence[int]) -> Blueprint:
    """Plan the deep autoencoder that a stack of ``layers``, bottom first, unrolls to.

    A decoder's hidden unit stands for a unit of the layer below: where the layer above models it
    as Bernoulli it is a sigmoid; else a rectified unit stays rectified and any other is linear.
    """
    arguments = [layer.arguments for layer in layers]
    hidden = [_decoded(below, above) for below, above in pairwise(arguments)]
    return Blueprint(
        "deep",
        {
            "shape": list(shape),
            "widths": [each["units"] for each in arguments],
            "nonlinearities": [each["nonlinearity"] for each in arguments],
            "decoder_nonlinearities": hidden[::-1],
            "reconstruction": arguments[0]["reconstruction"],
        },
    )


def classifier_blueprint(unrolled: Blueprint, classes: int, dropout: float) -> Blueprint:
    """Plan the encoder of ``unrolled`` with a softmax head."""
    shared = {key: unrolled.arguments[key] for key in ("shape", "widths", "nonlinearities")}
    return Blueprint("classifier", {**shared, "classes": classes, "dropout": dropout})


def _decoded(below: Mapping[str, object], above: Mapping[str, object]) -> Activation:
    if above["reconstruction"] == "bernoulli":
        return "sigmoid"
    return "relu" if below["nonlinearity"] == "relu" else "linear"
