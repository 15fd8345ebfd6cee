"""What a trained model says of samples, a bounded number at a time, in the dataset's own units."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aepipe.consume.samples import expected, samples_from
from aepipe.consume.trained import Trained
from aepipe.data.parts import Array
from aepipe.errors import InputError
from aepipe.models.walks import between

ROWS_AT_ONCE = 1000  # bounds memory; changes no result
MOST_DRAWN = 10**9  # more fills any disk
LEAST_STEPS = 2  # of an interpolation: its two ends

Floats = NDArray[np.float32]


class Network(Protocol):
    """What every autoencoder of ``aepipe.models`` has; a classifier has the first two alone."""

    code_size: int

    def encode(self, x: Tensor) -> Tensor:
        """Give the code."""
        ...

    def decode(self, code: Tensor) -> Tensor:
        """Give the raw output."""
        ...

    def mean(self, raw: Tensor) -> Tensor:
        """Turn the raw output into the units of the input."""
        ...


def encoded(model: Trained, given: Any) -> Tensor:
    """Give the codes ``(n, code_size)`` of samples.

    Raises:
        InputError: see :func:`samples_from`.
    """
    return _codes(model, features(model, given))


def described(model: Trained, given: Any) -> dict[str, Floats]:
    """Give ``codes``, ``reconstructions`` ``(n, *shape)`` and ``anomaly_scores`` ``(n,)``.

    A score is the squared error, summed over features in scaled units as the report gives it: high
    for samples unlike those of the training (Sakurada and Yairi 2014).

    Raises:
        InputError: see :func:`samples_from`; or the network has no decoder.
    """
    rows = features(model, given)
    codes = _codes(model, rows)
    rebuilt = _decoded(model, codes)
    errors = (rebuilt - rows).square().flatten(1).sum(dim=1)
    return {
        "codes": _finite(codes),
        "reconstructions": unscaled(model, rebuilt),
        "anomaly_scores": _finite(errors),
    }


def classified(model: Trained, given: Any) -> dict[str, Array]:
    """Give ``probabilities`` ``(n, classes)``, and of each sample its ``label`` and ``class_name``.

    Raises:
        InputError: see :func:`samples_from`; or the network is no classifier.
    """
    network = model.classifier()
    logits = _apply(network, features(model, given))
    probabilities = _finite(logits.softmax(dim=1))
    label = probabilities.argmax(axis=1)
    return {
        "probabilities": probabilities,
        "label": label,
        "class_name": np.array(model.dataset.classes)[label],
    }


def decoded(model: Trained, given: Any) -> Floats:
    """Give the samples ``(n, *shape)`` that codes ``(n, code_size)`` stand for.

    Raises:
        InputError: they are no such codes, or the network has no decoder.
    """
    size = cast(Network, model.network).code_size
    wanted = f"expected codes (n, {size}), finite numbers"
    try:
        codes = np.asarray(given, np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(f"input is not numbers in one array ({error}); {wanted}") from None
    if codes.ndim != 2 or codes.shape[1] != size or not len(codes):
        raise InputError(f"input has shape {codes.shape}; {wanted}")
    if not np.isfinite(codes).all():
        raise InputError(f"input holds NaN or infinity; {wanted}")
    return unscaled(model, _decoded(model, torch.from_numpy(codes)))


def drawn(model: Trained, count: int, seed: int) -> Iterator[Floats]:
    """Draw ``count`` samples from the prior, at most :data:`ROWS_AT_ONCE` at a time.

    Raises:
        InputError: the network has no prior, or there is nothing to draw.
    """
    network = model.variational()
    if not 1 <= count <= MOST_DRAWN:
        raise InputError(f"samples is {count}; expected 1 to {MOST_DRAWN}")
    if not 0 <= seed < 2**63:
        raise InputError(f"seed is {seed}; expected 0 to {2**63 - 1}")
    generator = torch.Generator().manual_seed(seed)
    for start in range(0, count, ROWS_AT_ONCE):
        with torch.inference_mode():
            codes = network.prior(min(ROWS_AT_ONCE, count - start), generator)
        yield unscaled(model, _decoded(model, codes))


def interpolated(model: Trained, given: Any, steps: int) -> Floats:
    """Walk in code space from each sample to the next: ``(n - 1, steps, *shape)``, ends included.

    Raises:
        InputError: see :func:`samples_from`; fewer than two samples or steps; no prior, whose
            family says which way is the shortest.
    """
    network = model.variational()
    if steps < LEAST_STEPS:
        raise InputError(f"steps is {steps}; expected {LEAST_STEPS} or more, the ends included")
    rows = features(model, given)
    if len(rows) < LEAST_STEPS:
        raise InputError(f"input holds 1 sample; two are needed; {expected(model.dataset)}")
    codes = _codes(model, rows)
    walks = between(network.latent, codes[:-1], codes[1:], torch.linspace(0, 1, steps))
    frames = unscaled(model, _decoded(model, walks.flatten(0, 1)))
    return frames.reshape(len(rows) - 1, steps, *model.dataset.shape)


def features(model: Trained, given: Any) -> Tensor:
    """Take samples and give them as the network sees them, ``(n, *shape)``.

    Raises:
        InputError: see :func:`samples_from`.
    """
    scaled = model.dataset.scaled(samples_from(given, model.dataset))
    return torch.from_numpy(np.asarray(scaled, np.float32))


def unscaled(model: Trained, rows: Tensor) -> Floats:
    """Turn what networks give back into the units of the dataset."""
    return np.asarray(model.dataset.unscaled(_finite(rows)), np.float32)


def _codes(model: Trained, rows: Tensor) -> Tensor:
    return _apply(cast(Network, model.network).encode, rows)


def _decoded(model: Trained, codes: Tensor) -> Tensor:
    if not hasattr(model.network, "decode"):
        raise InputError(
            f"a {type(model.network).__name__} has no way back from codes to samples; expected an "
            "autoencoder"
        )
    network = cast(Network, model.network)
    rows = _apply(lambda part: network.mean(network.decode(part)), codes)
    return rows.view(-1, *model.dataset.shape)


def _apply(function: Callable[[Tensor], Tensor], rows: Tensor) -> Tensor:
    with torch.inference_mode():
        parts = [function(part) for part in torch.split(rows, ROWS_AT_ONCE)]
        return parts[0] if len(parts) == 1 else torch.cat(parts)


def _finite(values: Tensor) -> Floats:
    """Give ``values`` as an array.

    Raises:
        InputError: they are not finite, since the samples lie far outside what float32 can bear.
    """
    if not bool(torch.isfinite(values).all()):
        raise InputError(
            "input is so far from the data of the training that the network's sums overflow; "
            "check its units"
        )
    return cast(Floats, values.numpy())
