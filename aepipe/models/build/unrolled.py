"""Blueprints of what a stack becomes: one deep autoencoder, a classifier."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import final

from aepipe.models.files import Blueprint
from aepipe.models.outputs import Activation, Reconstruction


@final
@dataclass(frozen=True, slots=True)
class Floor:
    """What unrolling asks of a layer, whatever its kind.

    Attributes:
        units: of its code.
        nonlinearity: of its code.
        reconstruction: what its decoder's raw output means.
    """

    units: int
    nonlinearity: Activation
    reconstruction: Reconstruction


def floor(layer: Blueprint) -> Floor:
    """Read a layer's blueprint; an RBM's code is the mean of its hidden units."""
    arguments = layer.arguments
    if layer.kind == "rbm":
        return Floor(
            units=arguments["code_size"],
            nonlinearity="sigmoid" if arguments["hidden"] == "bernoulli" else "linear",
            reconstruction="bernoulli" if arguments["visible"] == "bernoulli" else "squared",
        )
    return Floor(arguments["units"], arguments["nonlinearity"], arguments["reconstruction"])


def unrolled_blueprint(layers: Sequence[Blueprint], shape: Sequence[int]) -> Blueprint:
    """Plan the deep autoencoder that a stack of ``layers``, bottom first, unrolls to.

    A decoder's hidden unit stands for a unit of the layer below: where the layer above models it
    as Bernoulli it is a sigmoid; else a rectified unit stays rectified and any other is linear.
    Of a sparse layer as many units count as in evaluation, which is what the layer above has seen.
    """
    floors = [floor(layer.inside()) for layer in layers]
    kept = [layer.arguments.get("evaluation_k") for layer in layers]
    hidden = [_decoded(below, above) for below, above in pairwise(floors)]
    return Blueprint(
        "deep",
        {
            "shape": list(shape),
            "widths": [each.units for each in floors],
            "nonlinearities": [each.nonlinearity for each in floors],
            "decoder_nonlinearities": hidden[::-1],
            "reconstruction": floors[0].reconstruction,
            **({"options": {"kept": kept}} if any(kept) else {}),
        },
    )


def classifier_blueprint(unrolled: Blueprint, classes: int, dropout: float) -> Blueprint:
    """Plan the encoder of ``unrolled`` with a softmax head."""
    keys = ("shape", "widths", "nonlinearities", "options")
    shared = {key: unrolled.arguments[key] for key in keys if key in unrolled.arguments}
    return Blueprint("classifier", {**shared, "classes": classes, "dropout": dropout})


def _decoded(below: Floor, above: Floor) -> Activation:
    if above.reconstruction == "bernoulli":
        return "sigmoid"
    return "relu" if below.nonlinearity == "relu" else "linear"
