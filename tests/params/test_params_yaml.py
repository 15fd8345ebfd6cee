"""Each number of `params.yaml` has its reason beside it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

TEXT = (Path(__file__).parents[2] / "params.yaml").read_text()


def unexplained(text: str) -> list[str]:
    """Numbers without a comment on their line, above it, or at an earlier item of their list."""
    lines = text.splitlines()
    return [
        f"line {own + 1}: {place}"
        for place, own, candidates in numbers(YAML().load(text), "", ())
        if not any("#" in lines[line] for line in {own, *candidates})
        and not lines[own - 1].lstrip().startswith("#")
    ]


def numbers(node, place: str, explained_by: tuple[int, ...]) -> Iterator[tuple[str, int, tuple]]:
    """Give place, line and other lines that may hold the reason, for each number below `node`."""
    if isinstance(node, CommentedMap):
        children = [(key, node.lc.value(key)[0]) for key in node]
    elif isinstance(node, CommentedSeq):
        children = [(index, node.lc.item(index)[0]) for index in range(len(node))]
    else:
        return
    before: tuple[int, ...] = ()
    for key, line in children:
        inner = f"{place}.{key}".strip(".")
        if isinstance(node[key], int | float) and not isinstance(node[key], bool):
            yield inner, line, explained_by
        yield from numbers(node[key], inner, (*explained_by, *before))
        if isinstance(node, CommentedSeq):
            before = (*before, line)


def test_every_number_has_its_reason_beside_it():
    assert len(list(numbers(YAML().load(TEXT), "", ()))) > 50
    assert unexplained(TEXT) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: 1\n", ["line 1: a"]),
        ("a: 1 # why\n", []),
        ("# why\na: 1\n", []),
        ("a: # not why\n  b: 1\n", ["line 2: a.b"]),
        ("a:\n- {b: 1} # why\n- {b: 2}\n", []),
        ("a:\n- {b: 1}\n- {b: 2} # late\n", ["line 2: a.0.b"]),
        ("a: true\nb: text\n", []),
    ],
)
def test_a_number_without_reason_is_seen(text, found):
    assert unexplained(text) == found
