"""Attributes are partitions of the classes, and the kept one must not tell the hidden one."""

import pytest

from aepipe.errors import ParamsError
from aepipe.params.load import validate
from aepipe.params.models import Model
from aepipe.params.privacy import attribute_problems, group_of_class, partition_problems

TRAINING = {
    "epochs": 3, "batch_size": 32, "learning_rate": 0.005, "schedule": "cosine",
    "weight_decay": 0.0, "patience": 3, "precision": "float32",
}  # fmt: skip
KEEP = {"even": ["0", "2"], "odd": ["1", "3"]}
HIDE = {"small": ["0", "1"], "large": ["2", "3"]}
DECLARED = {
    "kind": "semi_adversarial",
    "architecture": {"kind": "dense", "widths": [16], "code_size": 4, "activation": "tanh"},
    "reconstruction": "squared", "keep": KEEP, "hide": HIDE, "hiding": "other",
    "weights": {"reconstruction": 0.1, "keep": 1.0, "hide": 1.0},
    "classifiers": {"widths": [8], "activation": "relu", "dropout": 0.1, "training": TRAINING},
    "training": TRAINING,
}  # fmt: skip


def test_two_crossing_partitions_are_taken():
    model = validate(Model, DECLARED, "models.mine")
    assert model.code_size == 4
    assert partition_problems(model.keep, model.hide, ["0", "1", "2", "3"]) == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"keep": {"all": ["0", "1", "2", "3"]}}, "keep: .*at least 2 items"),
        ({"keep": {"even": ["0", "2"], "odd": ["1", "3", "2"]}}, "keep: class '2' is in 2 groups"),
        ({"hide": {"small": ["0", "0", "1"], "large": ["2", "3"]}}, "class '0' is in 2 groups"),
        (
            {"hide": {"small": ["0", "1"], "large": ["2"]}},
            "hide: no group for class '3', which keep has",
        ),
        ({"hide": KEEP}, r"whoever reads keep knows hide \(even lies in even, odd lies in odd\)"),
        (
            {"keep": {"a": ["0"], "b": ["1"], "c": ["2", "3"]}},
            r"whoever reads keep knows hide \(a lies in small, b lies in small, c lies in large\)",
        ),
        (
            {"hide": {"a": ["0", "1"], "b": ["2"], "c": ["3"]}},
            "hiding = 'other' needs two groups, and hide has 3: a, b, c; use 'uniform'",
        ),
        ({"hiding": "oppposite"}, "hiding = 'oppposite': expected 'other' or 'uniform'"),
        ({"keep": {"even": [0.5, 2], "odd": [1, 3]}}, "keep.even.0 = 0.5: expected a valid str"),
    ],
)
def test_attributes_that_cannot_be_are_refused_with_their_names(changed, expected):
    with pytest.raises(ParamsError, match=expected):
        validate(Model, {**DECLARED, **changed}, "models.mine")


def test_classes_may_be_named_by_numbers():
    model = validate(Model, {**DECLARED, "keep": {"even": [0, 2], "odd": [1, 3]}}, "models.mine")
    assert model.keep == {"even": ("0", "2"), "odd": ("1", "3")}


def test_a_finer_hidden_attribute_is_taken_since_the_rest_of_it_can_be_hidden():
    hide = {"a": ["0", "1"], "b": ["2"], "c": ["3"]}
    assert attribute_problems(KEEP, hide) == []


def test_classes_of_the_data_and_of_the_groups_have_to_be_the_same():
    problems = partition_problems(KEEP, HIDE, ["0", "1", "2", "4"])
    assert problems == [
        ".keep: the data have no class '3'; known: 0, 1, 2, 4",
        ".keep: no group for class '4' of the data; put each of 0, 1, 2, 4 into exactly one",
        ".hide: the data have no class '3'; known: 0, 1, 2, 4",
        ".hide: no group for class '4' of the data; put each of 0, 1, 2, 4 into exactly one",
    ]
    (line,) = partition_problems(KEEP, HIDE, [])
    assert "the data have no labels" in line


def test_each_class_gets_the_number_of_its_group():
    assert group_of_class(HIDE, ["3", "0", "2", "1"]) == [1, 0, 1, 0]
