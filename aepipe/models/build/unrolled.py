"""Blueprints of what a stack becomes: one deep autoencoder, a classifier."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from aepipe.models.files import Blueprint
from aepipe.models.outputs import Activation


def unrolled_blueprint(layers: Sequence[Blueprint], shape: Sequence[int]) -> Blueprint:
    """Plan the deep autoencoder that a stack of ``layers``, bottom first, unrolls to.

    A decoder's hidden unit stands for a unit of the layer below: where the layer above models it
    as Bernoulli it is a sigmoid; else a rectified unit stays rectified and any other is linear.
    Of a sparse layer as many units count as in evaluation, which is what the layer above has seen.
    """
    arguments = [layer.inside().arguments for layer in layers]
    kept = [layer.arguments.get("evaluation_k") for layer in layers]
    hidden = [_decoded(below, above) for below, above in pairwise(arguments)]
    return Blueprint(
        "deep",
        {
            "shape": list(shape),
            "widths": [each["units"] for each in arguments],
            "nonlinearities": [each["nonlinearity"] for each in arguments],
            "decoder_nonlinearities": hidden[::-1],
            "reconstruction": arguments[0]["reconstruction"],
            **({"options": {"kept": kept}} if any(kept) else {}),
        },
    )


def classifier_blueprint(unrolled: Blueprint, classes: int, dropout: float) -> Blueprint:
    """Plan the encoder of ``unrolled`` with a softmax head."""
    keys = ("shape", "widths", "nonlinearities", "options")
    shared = {key: unrolled.arguments[key] for key in keys if key in unrolled.arguments}
    return Blueprint("classifier", {**shared, "classes": classes, "dropout": dropout})


def _decoded(below: Mapping[str, object], above: Mapping[str, object]) -> Activation:
    if above["reconstruction"] == "bernoulli":
        return "sigmoid"
    return "relu" if below["nonlinearity"] == "relu" else "linear"
