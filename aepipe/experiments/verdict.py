"""Ours beside theirs: better, equal or worse."""

from typing import Literal, assert_never

from aepipe.experiments.claims import Claim, Published, Reading

Verdict = Literal["better", "equal", "worse"]
RULE = (
    "equal: the published value lies in our interval, or ours within the published spread; else "
    "better or worse. An order within one run is held by the same rule, with the other's interval "
    "for a spread."
)


def in_unit(reading: Reading, claim: Claim) -> Reading:
    """Turn a figure as the stage wrote it into the unit of the table, its interval with it."""
    ends = [reading.low, reading.high]
    low, high = (None if end is None else _converted(end, claim) for end in ends)
    if low is not None and high is not None and low > high:
        low, high = high, low
    return Reading(value=_converted(reading.value, claim), low=low, high=high)


def as_reading(published: Published) -> Reading:
    """Give a published value with its spread as an interval."""
    spread = published.spread
    if spread is None:
        return Reading(value=published.value)
    low, high = published.value - spread, published.value + spread
    return Reading(value=published.value, low=low, high=high)


def verdict(ours: Reading, theirs: Reading, better: Literal["lower", "higher"]) -> Verdict:
    """Say how a figure stands beside another by :data:`RULE`.

    Args:
        ours: in the same unit as the other.
        theirs: published, or of the same run.
        better: which of two values is.
    """
    if _holds(ours, theirs.value) or _holds(theirs, ours.value):
        return "equal"
    return "better" if (ours.value < theirs.value) == (better == "lower") else "worse"


def _holds(reading: Reading, value: float) -> bool:
    low = reading.value if reading.low is None else reading.low
    high = reading.value if reading.high is None else reading.high
    return low <= value <= high


def _converted(value: float, claim: Claim) -> float:
    value /= claim.divided_by
    match claim.unit:
        case "plain":
            return value
        case "negative":
            return -value
        case "percent":
            return 100 * value
        case "percent_wrong":
            return 100 * (1 - value)
        case _:
            assert_never(claim.unit)
