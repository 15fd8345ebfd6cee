"""What an experiment is run for: its figures, and what each is held against."""

from typing import Annotated, Literal, final

from pydantic import Field, NonNegativeFloat, PositiveInt

from aepipe.params.base import Name, Section


@final
class Reading(Section):
    """A figure as a stage has written it; both ends are None where it has no interval."""

    value: float
    low: float | None = None
    high: float | None = None


@final
class Published(Section):
    """A value that somebody else has published."""

    kind: Literal["published"]
    value: float
    """In the figure's unit."""
    spread: NonNegativeFloat | None = None
    """Half of the interval, or the standard deviation, that the source gives beside it."""
    source: str
    """Paper, with table or section."""
    standing: Literal["primary", "secondary", "memory"]
    """Where it was read: in the source itself; in another's quotation of it; nowhere, so that it is
    unconfirmed."""


@final
class Order(Section):
    """An order that a paper tells in words or pictures, looked for within one run."""

    kind: Literal["order"]
    than: Name
    """Figure of the same experiment that this one should be better than."""
    source: str
    """Paper, with table or section."""


@final
class Claim(Section):
    """One figure of an experiment."""

    what: str
    """As a row of the table has it: the figure, and after the last comma of what."""
    file: Annotated[str, Field(pattern=r"^(reports|models)/[a-z0-9_/]+\.json$")]
    """What a stage has written the figure into."""
    at: Annotated[str, Field(min_length=1)]
    """Keys that lead to it in the file, with ``/`` between."""
    unit: Literal["plain", "negative", "percent", "percent_wrong"] = "plain"
    """As the file has it; with the other sign; a share as a percentage; what a share leaves of
    100 %."""
    divided_by: PositiveInt = 1
    """For a mean over features of what the file has summed over them."""
    decimals: Annotated[int, Field(ge=0, le=6)]
    """As many as the published value has."""
    better: Literal["lower", "higher"]
    reference: Annotated[Published | Order, Field(discriminator="kind")] | None = None
    """What it is held against; None where nobody has published anything that can be."""
    differs: str = ""
    """How the protocol differs from the published one."""
