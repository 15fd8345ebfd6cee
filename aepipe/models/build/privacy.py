"""Blueprints of what a semi-adversarial autoencoder is trained against."""

from collections.abc import Sequence

from aepipe.models.files import Blueprint
from aepipe.params.privacy import AttributeClassifiers


def attribute_blueprint(
    config: AttributeClassifiers, shape: Sequence[int], groups: int
) -> Blueprint:
    """Plan the classifier of an attribute with so many ``groups``, for samples of ``shape``."""
    return Blueprint(
        "classifier",
        {
            "shape": list(shape),
            "widths": list(config.widths),
            "nonlinearities": [config.activation] * len(config.widths),
            "classes": groups,
            "dropout": config.dropout,
        },
    )
