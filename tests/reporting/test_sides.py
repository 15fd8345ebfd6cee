"""Results side by side."""

from copy import deepcopy
from dataclasses import asdict

import pytest
from rich.console import Console

from aepipe.errors import ArtifactError
from aepipe.reporting.sides import Side, print_sides, verdict

ERROR = ("autoencoder", "squared_error")


@pytest.fixture
def content(metrics):
    return asdict(metrics)


def shifted(content, by: float):
    changed = deepcopy(content)
    changed["representations"]["autoencoder"]["squared_error"] += by
    for end in ("low", "high"):
        changed["intervals"]["autoencoder"]["squared_error"][end] += by
    return changed


def test_intervals_of_0_02_that_overlap_are_no_clear_difference(content):
    one = Side("a", content)
    assert verdict(ERROR, one, Side("b", content)) == "equal"
    for by, says in ((0.015, "within"), (-0.015, "within"), (0.03, "beyond"), (-0.03, "beyond")):
        assert verdict(ERROR, one, Side("b", shifted(content, by))) == says
        assert verdict(ERROR, Side("b", shifted(content, by)), one) == says


def test_a_figure_without_interval_differs_if_it_is_not_the_same(content):
    other = deepcopy(content)
    other["representations"]["raw"]["code_size"] = 65
    assert verdict(("raw", "code_size"), Side("a", content), Side("b", other)) == "beyond"


def test_entries_of_one_side_alone_and_other_test_splits_are_told(content, capsys):
    other = deepcopy(content)
    del other["representations"]["classifier"]
    other["test"]["samples"] = 100
    print_sides(Console(width=200, soft_wrap=True), Side("a", content), Side("b", other))
    text = capsys.readouterr().out
    assert "Only in a: classifier." in text
    assert "Only in b" not in text
    assert "The test splits are not the same" in text


def test_what_is_no_result_is_refused():
    with pytest.raises(ArtifactError, match=r"b: its metrics\.json is not what stage compare"):
        _ = Side("b", {"new": 1}).figures
