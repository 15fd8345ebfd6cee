"""What every section shares."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Self, TypeVar, final

from pydantic import BaseModel, ConfigDict, Field, model_validator

Item = TypeVar("Item")
Sequence = Annotated[tuple[Item, ...], Field(strict=False)]  # a YAML list; frozen once read
NAME_PATTERN = r"^[a-z][a-z0-9_]*$"
Name = Annotated[str, Field(pattern=NAME_PATTERN, max_length=40)]  # safe as a file name
Fraction = Annotated[float, Field(ge=0, le=1)]
OpenFraction = Annotated[float, Field(gt=0, lt=1)]


LARGEST = 10**9  # of anything that is counted: more fits no memory, and no patience


@final
class Uncounted:
    """Marks a whole number that counts nothing, and so may be larger than :data:`LARGEST`."""


class Section(BaseModel):
    """A section of ``params.yaml``: unknown keys are errors, values never change or are endless."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
    )

    @model_validator(mode="after")
    def _counts_what_there_can_be(self) -> Self:
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            numbers = value if isinstance(value, tuple) else (value,)
            counted = not any(isinstance(each, Uncounted) for each in field.metadata)
            if counted and any(isinstance(each, int) and each > LARGEST for each in numbers):
                raise ValueError(f".{name} = {value}: expected at most {LARGEST}; lower it")
        return self


def walk(section: BaseModel, at: str = "") -> Iterator[tuple[str, BaseModel]]:
    """Give every section inside ``section``, each with its key path: ``stack.layers.first``."""
    for name in type(section).model_fields:
        yield from _inside(getattr(section, name), f"{at}.{name}" if at else name)


def _inside(value: object, at: str) -> Iterator[tuple[str, BaseModel]]:
    if isinstance(value, BaseModel):
        yield at, value
        yield from walk(value, at)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _inside(item, f"{at}.{key}")
    elif isinstance(value, tuple):
        for place, item in enumerate(value):
            yield from _inside(item, f"{at}.{place}")
