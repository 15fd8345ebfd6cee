"""Each contract takes a right table and names what is wrong with a wrong one."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest

from aepipe.data.contracts import (
    Codes,
    Comparison,
    Conditions,
    Predictions,
    Samples,
    checked,
    read_table,
    require_apart,
    write_table,
)
from aepipe.errors import ArtifactError, ContractError

TABLE = Path("data/table.parquet")


def samples(count=6):
    return pd.DataFrame(
        {
            "id": [f"s{number}" for number in range(count)],
            "split": ["train"] * (count - 2) + ["valid", "test"],
            "label": np.arange(count) % 2,
            "digest": [f"{number:032x}" for number in range(count)],
            "minimum": 0.0,
            "maximum": 1.0,
            "mean": 0.5,
        }
    )


def conditions(kind, declared, realised, components):
    return pd.DataFrame(
        {
            "condition": ["one"],
            "split": ["test"],
            "kind": [kind],
            "declared": [declared],
            "realised": [realised],
            "components": [components],
        }
    )


def predictions():
    return pd.DataFrame(
        {
            "entry": ["pca_2", "pca_2", "pca_4"],
            "id": ["a", "b", "a"],
            "label": [0, 1, -1],
            "squared_error": [0.5, np.nan, 0.25],
            "predicted_linear": [0, 1, 1],
            "predicted_random_forest": [0, 0, 1],
        }
    )


def codes():
    return pd.DataFrame(
        {
            "split": ["train", "valid"],
            "rows": [8, 2],
            "expected_rows": [8, 2],
            "code_size": [3, 3],
            "finite": [24, 6],
        }
    )


def comparison():
    return pd.DataFrame(
        {
            "entry": ["pca_2", "stack"],
            "code_size": [2, 2],
            "metric": ["accuracy", "accuracy"],
            "value": [0.9, 0.8],
            "low": [0.85, 0.8],
            "high": [0.95, 0.9],
        }
    )


RIGHT = [
    (Samples, samples()),
    (Conditions, conditions("masking", 0.25, 0.2501, 100_000)),
    (Predictions, predictions()),
    (Predictions, predictions()[["entry", "id", "label", "squared_error"]]),
    (Codes, codes()),
    (Comparison, comparison()),
]


@pytest.mark.parametrize(("contract", "frame"), RIGHT)
def test_a_right_table_comes_back_as_it_was(contract, frame):
    pd.testing.assert_frame_equal(checked(contract, frame, TABLE), frame)


@pytest.mark.parametrize(("contract", "frame"), RIGHT)
def test_every_required_column_is_missed(contract, frame):
    for column in [name for name in frame.columns if not name.startswith("predicted_")]:
        with pytest.raises(ContractError, match=f"(?s){TABLE}.*{column}: column is missing"):
            checked(contract, frame.drop(columns=column), TABLE)


@pytest.mark.parametrize(("contract", "frame"), RIGHT)
def test_a_column_too_many_is_named(contract, frame):
    with pytest.raises(ContractError, match="stray: column is not expected"):
        checked(contract, frame.assign(stray=1), TABLE)


WRONG = [
    (Samples, samples(), "id", "s0", "id: must be unique"),
    (Samples, samples(), "split", "trian", r"split: isin"),
    (Samples, samples(), "label", -2, r"label: .*-1.*-2 \(row 1\)"),
    (Samples, samples(), "digest", "xyz", "digest: .*'xyz'"),
    (Samples, samples(), "minimum", np.nan, "minimum: must not be empty or NaN"),
    (Samples, samples(), "maximum", np.inf, "maximum: less_than"),
    (Samples, samples(), "mean", 2.0, "minimum <= mean <= maximum"),
    (Samples, samples(), "split", "valid", "rows ordered train, valid, test"),
    (Predictions, predictions(), "squared_error", -1.0, "squared_error: "),
    (Predictions, predictions(), "predicted_linear", -1, "predicted_linear: "),
    (Predictions, predictions(), "id", "a", "must be unique together"),
    (Codes, codes(), "rows", 3, "one code for each sample"),
    (Codes, codes(), "finite", 5, "every component of every code is finite"),
    (Comparison, comparison(), "value", 0.7, "low <= value <= high"),
    (Comparison, comparison(), "entry", "pca_2", "must be unique together"),
]


@pytest.mark.parametrize(("contract", "frame", "column", "value", "message"), WRONG)
def test_a_wrong_value_is_named_with_its_rule(contract, frame, column, value, message):
    wrong = frame.copy()
    wrong.loc[1, column] = value
    with pytest.raises(ContractError, match=message) as caught:
        checked(contract, wrong, TABLE)
    assert str(caught.value).startswith(f"{TABLE}: breaks the contract {contract.__name__}")
    assert "dvc repro" in str(caught.value)


def test_a_float_where_whole_numbers_belong_is_named():
    wrong = predictions().assign(predicted_linear=[0.0, 1.0, 1.0])
    with pytest.raises(ContractError, match="predicted_linear: must be of type int64, not float64"):
        checked(Predictions, wrong, TABLE)


def test_text_where_numbers_belong_is_named_and_no_other_rule_of_the_column():
    with pytest.raises(ContractError) as caught:
        checked(Samples, samples().assign(label="three", mean="x"), TABLE)
    _, label, mean, _ = str(caught.value).splitlines()
    found = f"{len(samples())} failures, for example"
    assert label.startswith(f"  label: must be of type int64: {found} 'three' (row 0)")
    assert mean.startswith(f"  mean: must be of type float64: {found} 'x' (row 0)")


def test_many_failures_are_counted_and_five_are_shown():
    with pytest.raises(ContractError) as caught:
        checked(Samples, samples(100).assign(label=-5), TABLE)
    line = next(line for line in str(caught.value).splitlines() if "label" in line)
    assert "100 failures" in line
    assert line.count("(row") == 5


@pytest.mark.parametrize(
    ("kind", "declared", "realised", "components", "is_right"),
    [
        # sqrt(0.25 * 0.75 / 30,000) = 0.0025, and six of it 0.015
        ("masking", 0.25, 0.2649, 30_000, True),
        ("masking", 0.25, 0.2651, 30_000, False),
        ("salt_and_pepper", 0.25, 0.2351, 30_000, True),
        ("salt_and_pepper", 0.25, 0.2349, 30_000, False),
        # 0.3 / sqrt(2 * 5,000) = 0.003, and six of it 0.018
        ("gaussian", 0.3, 0.3179, 5_000, True),
        ("gaussian", 0.3, 0.3181, 5_000, False),
        ("gaussian", 3.0, 3.1, 5_000, True),
        ("masking", 0.0, 0.0, 10, True),
        ("masking", 0.0, 0.1, 10, False),
        ("masking", 1.0, 1.0, 10, True),
        ("pairs", np.nan, 0.7, 10, True),
        ("masking", np.nan, 0.7, 10, False),
    ],
)
def test_a_realised_level_may_be_off_by_six_standard_deviations(
    kind, declared, realised, components, is_right
):
    frame = conditions(kind, declared, realised, components)
    if is_right:
        checked(Conditions, frame, TABLE)
    else:
        with pytest.raises(ContractError, match="declared"):
            checked(Conditions, frame, TABLE)


def test_the_same_content_in_two_splits_is_refused_unless_allowed():
    frame = samples()
    frame.loc[5, "digest"] = frame.loc[0, "digest"]
    with pytest.raises(ContractError, match=r"s0 \(train\) = s5 \(test\).*across_splits: allow"):
        require_apart(frame, "refuse", TABLE)
    require_apart(frame, "allow", TABLE)


def test_the_same_content_twice_in_one_split_is_allowed():
    frame = samples()
    frame.loc[1, "digest"] = frame.loc[0, "digest"]
    require_apart(frame, "refuse", TABLE)


def test_equal_tables_give_equal_bytes_however_they_were_made(tmp_path):
    frame = samples()
    other = frame.copy()[["mean", *frame.columns[:-1]]][frame.columns]
    other.index = range(10, 16)
    other.attrs["made"] = "elsewhere"
    write_table(tmp_path / "one.parquet", frame)
    write_table(tmp_path / "two.parquet", other)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_a_table_holds_no_metadata_of_the_libraries_that_wrote_it(tmp_path):
    write_table(tmp_path / "one.parquet", samples())
    assert pyarrow.parquet.read_metadata(tmp_path / "one.parquet").metadata is None


def test_a_table_reads_back_as_it_was_written(tmp_path):
    write_table(tmp_path / "one.parquet", predictions())
    pd.testing.assert_frame_equal(read_table(tmp_path / "one.parquet"), predictions())


def test_a_missing_or_damaged_table_says_what_to_do(tmp_path):
    with pytest.raises(ArtifactError, match=r"none.parquet: no such file.*dvc"):
        read_table(tmp_path / "none.parquet")
    (tmp_path / "bad.parquet").write_bytes(b"not parquet")
    with pytest.raises(ArtifactError, match=r"bad.parquet: not a readable table.*dvc"):
        read_table(tmp_path / "bad.parquet")
