"""Blueprints of restricted Boltzmann machines."""

from collections.abc import Sequence
from typing import Any, assert_never

from aepipe.models.files import Blueprint
from aepipe.params.energy import BernoulliVisible, GaussianVisible, Rbm, RbmLayer, Visible


def rbm_blueprint(config: Rbm, shape: Sequence[int]) -> Blueprint:
    """Plan the machine of ``config`` for samples of ``shape``."""
    size = {"shape": list(shape), "code_size": config.code_size}
    return Blueprint("rbm", {**size, "hidden": config.hidden, **_visible(config.visible)})


def layer_of_rbm(config: RbmLayer, input_size: int) -> Blueprint:
    """Plan one such layer of the stack for inputs of ``input_size`` features."""
    size = {"shape": [input_size], "code_size": config.units}
    return Blueprint("rbm", {**size, "hidden": config.hidden, **_visible(config.visible)})


def _visible(config: Visible) -> dict[str, Any]:
    match config:
        case BernoulliVisible():
            return {"visible": config.kind, "variance": 1.0, "values": config.values}
        case GaussianVisible():
            return {"visible": config.kind, "variance": config.variance, "values": "means"}
        case _:
            assert_never(config)
