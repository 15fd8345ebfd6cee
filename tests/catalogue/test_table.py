"""The page of everything that can be declared."""

from pathlib import Path
from typing import get_args

import pytest

from aepipe.catalogue.kinds import Kind, kinds
from aepipe.catalogue.table import catalogue
from aepipe.params.corruption import Corruption
from aepipe.params.data import Source
from aepipe.params.models import Architecture, Model
from aepipe.params.penalties import Penalty
from aepipe.params.stack import Layer

ROOT = Path(__file__).parents[2]
TRAINED = ("models.*", "models.*.architecture", "stack.layers.*", "models.*.penalties.*")
THERE = kinds()


def members(union: object) -> set[object]:
    """The types of an annotated union, or the one type that it is."""
    arguments = get_args(union)
    return set(get_args(arguments[0])) if arguments else {union}


@pytest.mark.parametrize(
    "union", [Model, Architecture, Layer, Penalty, Corruption, Source], ids=str
)
def test_no_kind_is_missing(union):
    assert members(union) <= {kind.section for kind in THERE}


@pytest.mark.parametrize("kind", THERE, ids=lambda kind: f"{kind.place}.{kind.name}")
def test_each_kind_is_described_in_a_sentence(kind):
    assert len(kind.summary) > 10
    assert "et al" not in kind.summary


def named(place: str, name: str) -> Kind:
    return next(kind for kind in THERE if (kind.place, kind.name) == (place, name))


def test_papers_are_read_from_the_docstring():
    assert named("models.*", "variational").papers[0] == "Kingma and Welling 2014"


@pytest.fixture(scope="module")
def page() -> str:
    """What the code gives, made once: it reads every experiment."""
    return catalogue(ROOT)


def test_the_page_in_docs_is_what_the_code_gives(page):
    current = (ROOT / "docs" / "catalogue.md").read_text(encoding="utf-8")
    assert current == page, "aepipe catalogue --output docs/catalogue.md"


@pytest.mark.parametrize(
    "kind",
    [kind for kind in THERE if kind.place in TRAINED],
    ids=lambda kind: f"{kind.place}.{kind.name}",
)
def test_each_kind_that_is_trained_names_a_paper_and_is_run_by_an_experiment(kind, page):
    assert kind.papers or kind.name == "autoencoder", "which paper is it from?"
    (row,) = [
        line for line in page.splitlines() if line.startswith(f"| `{kind.name}` | {kind.summary} ")
    ]
    assert "`catalogue`" in row or "mnist" in row, "no entry in experiments/catalogue.yaml"
