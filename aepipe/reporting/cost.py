"""What representations cost in seconds, which no stage can tell: it is different each time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, slots=True)
class Cost:
    """Of one representation.

    Attributes:
        training_seconds: of one training, with all that it stands on; None where that is not known.
        trained_on: the device; empty where nothing was trained.
        encoded_per_second: samples; None of raw features, which are there already.
    """

    training_seconds: float | None
    trained_on: str
    encoded_per_second: float | None


@final
@dataclass(frozen=True, slots=True)
class Measured:
    """Of all representations.

    Attributes:
        costs: by entry.
        note: how all of it was measured, in sentences.
    """

    costs: Mapping[str, Cost]
    note: str
