"""What each architecture demands of the samples' shape."""

from collections.abc import Sequence
from typing import assert_never, cast

from aepipe.models.sizes import Convolutions, sequence, sides
from aepipe.params.convolutional import Convolutional
from aepipe.params.dense import Dense, KSparse
from aepipe.params.energy import Rbm
from aepipe.params.models import Autoencoder, Model
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
        case Autoencoder():
            return _of_architecture(model, shape, where)
        case Variational() | Rbm():
            return []
        case _:
            assert_never(model)


def _of_architecture(model: Autoencoder, shape: Sequence[int], where: str) -> list[str]:
    architecture = model.architecture
    match architecture:
        case Dense() | KSparse():
            return []
        case Convolutional():
            return _of_convolutional(architecture, shape, where)
        case Lstm() | Transformer():
            return _of_sequence(architecture, shape, where)
        case _:
            assert_never(architecture)


def _of_convolutional(config: Convolutional, shape: Sequence[int], where: str) -> list[str]:
    """Convolutions on samples that are no images, or whose sizes do not work out."""
    try:
        sides(shape, cast(Convolutions, config.convolutions()))
    except ValueError as error:
        return [f".architecture on samples of {where}, {tuple(shape)}: {error}"]
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
