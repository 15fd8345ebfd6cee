"""What every probe is made of: labelled codes, standardising, and the choice among candidates."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from aepipe.data.parts import Array

Codes = NDArray[np.float64]
Labels = NDArray[np.int64]
Predict = Callable[[Array], Labels]

SEEDS = 2**32  # scikit-learn takes no larger ones


@final
@dataclass(frozen=True, slots=True)
class Labelled:
    """Codes ``(n, code_size)`` with their labels ``(n,)``, all at least 0."""

    codes: Codes
    labels: Labels


@final
@dataclass(frozen=True, slots=True)
class Probe:
    """A fitted classifier.

    Attributes:
        chosen: its hyper-parameters, as JSON holds them.
        predict: from codes ``(n, code_size)`` to labels ``(n,)``.
    """

    chosen: Mapping[str, Any]
    predict: Predict


@final
class Standardiser:
    """Shifts and scales each feature to mean 0 and variance 1 on the codes it was made from."""

    def __init__(self, codes: Codes) -> None:
        self._mean = codes.mean(axis=0)
        deviation = codes.std(axis=0)
        # a spread below float32's rounding of the mean is none: such a feature is only shifted
        constant = deviation <= np.finfo(np.float32).eps * np.abs(self._mean)
        self._deviation = np.where(constant, 1.0, deviation)

    def __call__(self, codes: Array) -> Codes:
        """Standardise ``(n, code_size)`` codes."""
        standardised: Codes = (codes - self._mean) / self._deviation
        return standardised


@final
class Rescaler:
    """Shifts each feature to mean 0 and scales all of them alike, to a mean variance of 1."""

    def __init__(self, codes: Codes) -> None:
        self._mean = codes.mean(axis=0)
        scale = float(np.sqrt(codes.var(axis=0).mean()))
        self._scale = scale if scale > 0 else 1.0

    def __call__(self, codes: Array) -> Codes:
        """Rescale ``(n, code_size)`` codes."""
        rescaled: Codes = (codes - self._mean) / self._scale
        return rescaled


def best(candidates: Iterable[Probe], valid: Labelled) -> Probe:
    """Give the first of those candidates that are most often right on ``valid``."""
    return max(candidates, key=lambda probe: np.mean(probe.predict(valid.codes) == valid.labels))


def chained(first: Callable[[Array], Array], second: Callable[[Array], Array]) -> Predict:
    """Give ``second`` after ``first``."""
    return lambda codes: second(first(codes))
