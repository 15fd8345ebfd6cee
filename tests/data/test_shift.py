"""Splits whose classes are mixed in other shares than those of training."""

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from aepipe.data import shift
from aepipe.errors import ContractError


class Labelled:
    """A dataset as far as its labels go."""

    folder, classes = "data/dataset", ["cat", "dog"]

    def __init__(self, **counts):
        self._counts = counts

    def labels(self, split):
        return np.repeat([0, 1, -1], [*self._counts[split], 5])


class Heard:
    def __init__(self):
        self.lines = []

    def warn(self, text):
        self.lines.append(text)


def warned(limit=None, **counts):
    heard = Heard()
    shift.check_label_shift(Labelled(**counts), limit, heard)
    return heard.lines


def test_the_chance_is_that_of_another_implementation():
    first, second = np.array([50, 30, 20, 0]), np.array([20, 30, 5, 0])
    expected = chi2_contingency([first[:3], second[:3]], correction=False).pvalue
    assert shift.homogeneity(first, second) == pytest.approx(expected)
    assert shift.homogeneity(np.array([5, 0]), np.array([9, 0])) == 1.0


def test_equal_shares_are_no_distance_and_nothing_in_common_is_all_of_it():
    assert shift.total_variation(np.array([10, 30]), np.array([1, 3])) == 0
    assert shift.total_variation(np.array([10, 0]), np.array([0, 3])) == 1


def test_a_shift_is_warned_of_with_the_class_and_the_shares():
    lines = warned(train=(500, 500), valid=(50, 50), test=(90, 10))
    assert len(lines) == 1
    assert "the classes of test are not mixed as those of train: distance 0.4" in lines[0]
    assert "most in class 'cat', 50.0% of train and 90.0% of test" in lines[0]


def test_what_chance_explains_is_not_warned_of():
    assert warned(train=(500, 500), valid=(6, 4), test=(0, 0)) == []


def test_more_than_is_declared_is_refused():
    counts = {"train": (500, 500), "valid": (6, 4), "test": (5, 5)}
    assert warned(0.1, **counts) == []
    with pytest.raises(ContractError, match=r"of valid .*data\.label_shift allows 0\.09"):
        warned(0.09, **counts)
