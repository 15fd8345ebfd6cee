"""What every section shares."""

from collections.abc import Iterator, Mapping
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Item = TypeVar("Item")
Sequence = Annotated[tuple[Item, ...], Field(strict=False)]  # a YAML list; frozen once read
NAME_PATTERN = r"^[a-z][a-z0-9_]*$"
Name = Annotated[str, Field(pattern=NAME_PATTERN, max_length=40)]  # safe as a file name
Fraction = Annotated[float, Field(ge=0, le=1)]
OpenFraction = Annotated[float, Field(gt=0, lt=1)]


class Section(BaseModel):
    """A section of ``params.yaml``: unknown keys are errors, values never change."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True
    )


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
