"""What each architecture demands of the samples' shape."""

from collections.abc import Sequence
from math import prod
from typing import assert_never, cast

from aepipe.models.sizes import Convolutions as Sizes
from aepipe.models.sizes import sequence, sides
from aepipe.params.convolutional import Convolutional, Convolutions
from aepipe.params.dense import Dense, Linear
from aepipe.params.energy import Rbm
from aepipe.params.models import Autoencoder, Model, SemiAdversarial
from aepipe.params.sequence import Lstm, Transformer
from aepipe.params.variational import Variational

LEAST_STEPS = 2  # of one step there is no order to read


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
        case Autoencoder() | SemiAdversarial():
            return _of_architecture(model, shape, where)
        case Variational():
            return _of_convolutions(model.convolutions, ".convolutions", shape, where)
        case Rbm():
            return []
        case _:
            assert_never(model)


def _of_architecture(
    model: Autoencoder | SemiAdversarial, shape: Sequence[int], where: str
) -> list[str]:
    architecture = model.architecture
    match architecture:
        case Linear() | Dense():
            return _of_dense(architecture, prod(shape), where)
        case Convolutional():
            return _of_convolutions(architecture, ".architecture", shape, where)
        case Lstm() | Transformer():
            return _of_sequence(architecture, shape, where)
        case _:
            assert_never(architecture)


def _of_dense(config: Linear | Dense, features: int, where: str) -> list[str]:
    """Codes that are wider than an undercomplete one may be."""
    size = config.code_size
    if config.capacity == "overcomplete" or size < features:
        return []
    return [
        f".architecture.code_size: {size} is not below the {features} features of {where}, "
        "which capacity undercomplete asks for; lower it, or declare capacity overcomplete"
    ]


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


def _of_sequence(config: Lstm | Transformer, shape: Sequence[int], where: str) -> list[str]:
    """Sequences of a single step."""
    steps, features = sequence(shape)
    if steps < LEAST_STEPS:
        return [
            f".architecture: {config.kind} reads steps, and samples of {where}, {tuple(shape)}, "
            f"have {steps} of {features} features; use kind dense, or a source with longer series"
        ]
    return []
