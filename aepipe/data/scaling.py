"""How stored features become what models see: one factor and one addend, or one for each feature.

Statistics are the training split's alone, gathered in one pass in float64.
"""

from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from aepipe.data.parts import Array
from aepipe.errors import SourceError

LEAST_STEPS = 256  # float32 steps within a feature's unit; with fewer its values run together
Scaling = Literal["range", "centred", "standard", "none"]


@final
@dataclass(frozen=True, slots=True)
class Scale:
    """Scaled = stored * ``scale`` + ``offset``.

    Attributes:
        scale: for all features, or one for each.
        offset: for all features, or one for each, in scaled units.
        value_range: smallest and largest possible scaled value, where the source bounds them and
            they are the same for all features.
    """

    scale: float | list[float]
    offset: float | list[float]
    value_range: tuple[float, float] | None

    def repeated(self, steps: int) -> "Scale":
        """Give the scale of ``steps`` times as many features, the same in each step."""
        scale, offset = self.scale, self.offset
        if isinstance(scale, float) or isinstance(offset, float):
            return self
        return Scale(scale * steps, offset * steps, self.value_range)


@final
class Moments:
    """Gathers minimum, maximum, mean and variance of each feature, block by block.

    Means and squared deviations of blocks are joined as Chan, Golub and LeVeque (1983), "Algorithms
    for computing the sample variance", equations 2.1: no large squares are subtracted.
    """

    def __init__(self, size: int) -> None:
        self._count = 0
        self._mean = np.zeros(size)
        self._squares = np.zeros(size)  # sum of squared deviations from the mean
        self._minimum = np.full(size, np.inf)
        self._maximum = np.full(size, -np.inf)

    def add(self, rows: Array) -> None:
        """Take ``(n, *shape)`` rows into account; longer ones for several rows of ``size`` each."""
        if not len(rows):
            return
        flat = rows.reshape(-1, len(self._mean)).astype(np.float64)
        mean = flat.mean(axis=0)
        squares = ((flat - mean) ** 2).sum(axis=0)
        total = self._count + len(flat)
        shift = mean - self._mean
        self._squares += squares + shift**2 * (self._count * len(flat) / total)
        self._mean += shift * (len(flat) / total)
        self._count = total
        np.minimum(self._minimum, flat.min(axis=0), out=self._minimum)
        np.maximum(self._maximum, flat.max(axis=0), out=self._maximum)

    def fit(self, scaling: Scaling, bounds: tuple[float, float] | None, where: str) -> Scale:
        """Give the scale that ``data.scaling`` declares.

        Args:
            scaling: what is declared.
            bounds: smallest and largest value that the source allows, if it has bounds.
            where: what messages call the source.

        Raises:
            SourceError: a feature varies by so little about so large a value that float32, in
                which models see it, cannot tell its values apart.
        """
        match scaling:
            case "none":
                return Scale(1.0, 0.0, bounds)
            case "range" if bounds is not None:
                return _to_unit(*bounds, where)
            case "range":
                return self._each(self._minimum, self._maximum - self._minimum, where)
            case "centred" if bounds is not None:  # one unit for all: no edge pixel is blown up
                low, high = bounds
                offset = (0.0 - self._mean) / (high - low)
                return Scale([1 / (high - low)] * len(offset), offset.tolist(), None)
            case "centred":
                return self._each(self._mean, self._maximum - self._minimum, where)
            case "standard":
                deviation = np.sqrt(self._squares / max(1, self._count))
                return self._each(self._mean, deviation, where)

    def _each(self, zero: NDArray[np.float64], unit: NDArray[np.float64], where: str) -> Scale:
        """Turn ``zero`` into 0 and ``zero + unit`` into 1; a constant feature is only shifted."""
        # by its bounds: rounding gives a constant feature a variance that is not quite 0
        constant = self._minimum == self._maximum
        step = np.maximum(np.abs(self._minimum), np.abs(self._maximum)) * np.finfo(np.float32).eps
        blurred = np.flatnonzero(~constant & (unit < LEAST_STEPS * step))
        if len(blurred):
            first = int(blurred[0])
            raise SourceError(
                f"{where}: feature {first} ({len(blurred)} such) varies by {unit[first]:.3g} about "
                f"{self._mean[first]:.9g}, which float32 cannot resolve; expected less offset or "
                "more variation; subtract a constant from it in the source, or leave it out"
            )
        constant |= unit < np.finfo(np.float32).tiny  # its inverse would overflow
        scale = 1 / np.where(constant, 1.0, unit)
        return Scale(scale.tolist(), (0.0 - zero * scale).tolist(), None)  # 0 - 0 is no negative 0


def _to_unit(low: float, high: float, where: str) -> Scale:
    """Turn ``low`` into 0 and ``high`` into 1, so that no value between leaves [0, 1] in float32.

    What takes values for probabilities refuses 1.0000001. So where rounding would give that, both
    ends come to lie within by the least power of two of the range that it takes.

    Raises:
        SourceError: the bounds are so close together, so far from 0, that float32 cannot tell.
    """
    for margin in (0.0, *(2.0**-power for power in range(24, 7, -1))):
        scale = 1 / ((high - low) * (1 + 2 * margin))
        offset = (0.0 - low) * scale + margin / (1 + 2 * margin)
        ends = np.array([low, high], np.float32) * np.float32(scale) + np.float32(offset)
        if 0 <= ends[0] < ends[1] <= 1:
            return Scale(scale, offset, (0.0, 1.0))
    raise SourceError(
        f"{where}: bounds {low:.12g} and {high:.12g}, between which float32 has too few numbers; "
        "subtract a constant from the data and from data.source.bounds"
    )
