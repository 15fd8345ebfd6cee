"""What each architecture demands of the samples' shape."""

from collections.abc import Sequence
from math import prod
from typing import assert_never, cast

from aepipe.models.sizes import Convolutions as Sizes
from aepipe.models.sizes import sides
from aepipe.params.convolutional import Convolutional, Convolutions
from aepipe.params.dense import Dense, Linear
from aepipe.params.energy import Rbm
from aepipe.params.models import Autoencoder, Model
from aepipe.params.variational import Variational


def unmet_by_shape(model: Model, shape: Sequence[int], where: str) -> list[str]:
    """Give what stands against training ``model`` on samples of ``shape``.

    Args:
        model: an entry of ``models:``, or the ``vae`` section.
        shape: of one sample.
        where: what messages call the data.

    Returns:
        Lines that go on with the model's key path; most start with a dot and a key.
    """
    match model:
        case Autoencoder():
            return _of_architecture(model, shape, where)
        case Variational():
            return _of_convolutions(model.convolutions, ".convolutions", shape, where)
        case Rbm():
            return []
        case _:
            assert_never(model)


def _of_architecture(model: Autoencoder, shape: Sequence[int], where: str) -> list[str]:
    architecture = model.architecture
    match architecture:
        case Linear() | Dense():
            return _of_dense(architecture, prod(shape), where)
        case Convolutional():
            return _of_convolutions(architecture, ".architecture", shape, where)
        case _:
            assert_never(architecture)


def _of_dense(config: Linear | Dense, features: int, where: str) -> list[str]:
    """Codes, or hidden layers, too wide or too narrow for the declared capacity."""
    size = config.code_size
    if config.capacity == "undercomplete":
        if size < features:
            return []
        return [
            f".architecture.code_size: {size} is not below the {features} features of {where}, "
            "which capacity undercomplete asks for; lower it, or declare capacity overcomplete"
        ]
    if size <= features:
        return [
            f".architecture.code_size: {size} is not above the {features} features of {where}, "
            "which capacity overcomplete asks for; raise it, or declare capacity undercomplete"
        ]
    return []


def _of_convolutions(
    config: Convolutions | None, key: str, shape: Sequence[int], where: str
) -> list[str]:
    """Convolutions on samples that are no images, or whose sizes do not work out."""
    if config is None:
        return []
    try:
        sides(shape, cast(Sizes, config.convolutions()))
    except ValueError as error:
        return [f"{key} on samples of {where}, {tuple(shape)}: {error}"]
    return []
