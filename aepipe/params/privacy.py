"""What a semi-adversarial autoencoder keeps readable, what it hides, and how it is trained."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from aepipe.params.base import Name, Section
from aepipe.params.data import ClassName
from aepipe.params.dense import Activation
from aepipe.params.training import Training

Groups = Mapping[str, Sequence[str]]
Attribute = Annotated[
    dict[Name, Annotated[tuple[ClassName, ...], Field(strict=False, min_length=1)]],
    Field(min_length=2),
]
"""Groups by name, each a list of the dataset's classes; every class is in exactly one."""


class PrivacyWeights(Section):
    """Factors of the three losses."""

    reconstruction: PositiveFloat
    """Of the error summed over features, which is large beside the others: 0.1 is usual."""
    keep: NonNegativeFloat
    """Of the cross-entropy of the kept attribute, in nats."""
    hide: NonNegativeFloat
    """Of the hiding term, in nats; 0 is the control that hides nothing."""


class AttributeClassifiers(Section):
    """Dense softmax classifiers, one of each attribute; trained on clean samples, then frozen."""

    widths: Annotated[tuple[PositiveInt, ...], Field(strict=False, min_length=1)]
    """Hidden widths, input side first."""
    activation: Activation
    dropout: Annotated[float, Field(ge=0, lt=1)]
    """Probability of dropping each hidden unit while training."""
    training: Training


def attribute_problems(keep: Groups, hide: Groups) -> list[str]:
    """Give what is wrong with two attributes whatever the data; lines start with a dot and key."""
    problems = [
        f".{attribute}: class {name!r} is in {count} groups; every class belongs in exactly one"
        for attribute, groups in (("keep", keep), ("hide", hide))
        for name, count in _counts(groups).items()
        if count > 1
    ]
    if problems:
        return problems
    kept, hidden = set(_counts(keep)), set(_counts(hide))
    problems = [
        f".{lacking}: no group for class {_listed(sorted(missing), 'and')}, which {having} has; "
        "put every class into exactly one group of both"
        for lacking, having, missing in (
            ("keep", "hide", hidden - kept),
            ("hide", "keep", kept - hidden),
        )
        if missing
    ]
    return problems or _inseparable(keep, hide)


def partition_problems(keep: Groups, hide: Groups, classes: Sequence[str]) -> list[str]:
    """Give what stands against these attributes on data with these classes."""
    if not classes:
        return [": attributes are groups of classes, and the data have no labels; declare labels"]
    known = ", ".join(classes)
    problems: list[str] = []
    for attribute, groups in (("keep", keep), ("hide", hide)):
        strangers = [name for name in _counts(groups) if name not in classes]
        if strangers:
            problems.append(
                f".{attribute}: the data have no class {_listed(strangers, 'or')}; known: {known}"
            )
        left_out = [name for name in classes if name not in _counts(groups)]
        if left_out:
            problems.append(
                f".{attribute}: no group for class {_listed(left_out, 'and')} of the data; put "
                f"each of {known} into exactly one"
            )
    return problems


def group_of_class(groups: Groups, classes: Sequence[str]) -> list[int]:
    """Give the number of each class's group."""
    found = {name: place for place, names in enumerate(groups.values()) for name in names}
    return [found[name] for name in classes]


def _inseparable(keep: Groups, hide: Groups) -> list[str]:
    """Attributes of which the kept one tells the hidden one."""
    within = {
        group: next((other for other, names in hide.items() if set(members) <= set(names)), None)
        for group, members in keep.items()
    }
    if None in within.values():
        return []
    pairs = ", ".join(f"{group} lies in {other}" for group, other in within.items())
    return [
        f"whoever reads keep knows hide ({pairs}); group the classes so that a group of keep "
        "meets several groups of hide"
    ]


def _listed(names: Sequence[str], word: str) -> str:
    """``'a', 'b' and 'c'``."""
    *most, last = map(repr, names)
    return f"{', '.join(most)} {word} {last}" if most else last


def _counts(groups: Groups) -> dict[str, int]:
    names = [name for members in groups.values() for name in members]
    return {name: names.count(name) for name in names}
