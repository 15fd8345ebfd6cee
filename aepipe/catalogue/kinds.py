"""Everything that has a ``kind`` in ``params.yaml``, found by following the types."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Literal, Union, final, get_args, get_origin

from aepipe.params.base import Section
from aepipe.params.root import Params

NAMES = r"[A-Z][\w-]+(?: (?:et al\.|and [A-Z][\w-]+))?"
CITATION = re.compile(rf"{NAMES},? \(?(?:19|20)\d\d[a-z]?\)?")


@final
@dataclass(frozen=True, slots=True)
class Kind:
    """One thing that can be declared.

    Attributes:
        place: key path under which it stands, ``*`` for names and places in a list.
        name: its ``kind``.
        section: its type.
    """

    place: str
    name: str
    section: type[Section]

    @property
    def summary(self) -> str:
        """First sentence of the docstring, without its citations."""
        text = re.sub(rf"\s*\([^()]*{CITATION.pattern}[^()]*\)", "", _text(self.section))
        return re.split(r"[.:;](?:\s|$)", text, maxsplit=1)[0].replace("``", "`")

    @property
    def papers(self) -> list[str]:
        """What the docstrings of the type and its keys cite, in order."""
        texts = [_text(self.section)]
        texts += [field.description or "" for field in self.section.model_fields.values()]
        found = (match.group(0) for text in texts for match in CITATION.finditer(_flat(text)))
        return list(dict.fromkeys(_uniform(citation) for citation in found))

    @property
    def options(self) -> list[str]:
        """Its keys, those that may be left out in parentheses."""
        return [
            name if field.is_required() else f"({name})"
            for name, field in self.section.model_fields.items()
            if name != "kind"
        ]


def kinds(section: type[Section] = Params, place: str = "") -> list[Kind]:
    """List every kind that can be declared inside ``section``, each once for each place."""
    found: dict[tuple[str, str], Kind] = {}
    for kind in _inside(section, place, ()):
        found.setdefault((kind.place, kind.name), kind)
    return list(found.values())


def _inside(section: type[Section], place: str, above: tuple[type, ...]) -> Iterator[Kind]:
    for name, field in section.model_fields.items():
        inner = f"{place}.{name}" if place else name
        yield from _of_type(field.annotation, inner, (*above, section))


def _of_type(annotation: Any, place: str, above: tuple[type, ...]) -> Iterator[Kind]:
    origin = get_origin(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Section):
        if annotation in above:
            return  # a section inside one of its own type: the outer has been listed
        name = _kind(annotation)
        if name:
            yield Kind(place, name, annotation)
        yield from _inside(annotation, place, above)
    elif origin is Annotated:
        yield from _of_type(get_args(annotation)[0], place, above)
    elif origin in (Union, UnionType):
        for member in get_args(annotation):
            yield from _of_type(member, place, above)
    elif origin is dict:
        yield from _of_type(get_args(annotation)[1], f"{place}.*", above)
    elif origin is tuple:
        yield from _of_type(get_args(annotation)[0], f"{place}.*", above)


def _kind(section: type[Section]) -> str | None:
    field = section.model_fields.get("kind")
    if field is None or get_origin(field.annotation) is not Literal:
        return None
    return ", ".join(get_args(field.annotation))


def _text(section: type[Section]) -> str:
    return _flat(section.__doc__ or "")


def _flat(text: str) -> str:
    return " ".join(text.split())


def _uniform(citation: str) -> str:
    """``Kingma and Welling, (2014)`` as ``Kingma and Welling 2014``."""
    return re.sub(r",? \(?((?:19|20)\d\d[a-z]?)\)?$", r" \1", citation)
