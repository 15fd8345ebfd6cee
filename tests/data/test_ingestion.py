"""One pass from a source to a dataset's folder."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from aepipe.data import ingestion, parts
from aepipe.data.contracts import read_table
from aepipe.data.dataset import SPLITS, open_dataset
from aepipe.data.ingestion import Assignment, write_dataset
from aepipe.data.sources.source import SourceData, numbered, slices
from aepipe.errors import ContractError, SourceError
from aepipe.monitor import Silent


def source(features, noisy=None):
    return SourceData(
        where="here",
        shape=features.shape[1:],
        ids=numbered(len(features)),
        blocks=slices(features),
        labels=np.arange(len(features)) % 3,
        classes=["a", "b", "c"],
        noisy=None if noisy is None else slices(noisy),
    )


def assigned(count, scaling="range"):
    splits = np.array(["test", "train", "train", "valid", "train"] * count)[:count]
    return Assignment(splits, np.arange(count) % 3, scaling)


def written(folder, features, noisy=None, scaling="range"):
    return write_dataset(
        source(features, noisy), "npz", assigned(len(features), scaling), folder, Silent()
    )


def test_names_of_features_are_kept_where_there_are_any(tmp_path):
    rows = np.arange(12.0).reshape(6, 2)
    named = replace(source(rows), columns=["height", "age"])
    write_dataset(named, "csv", assigned(6), tmp_path / "named", Silent())
    assert open_dataset(tmp_path / "named").columns == ["height", "age"]
    written(tmp_path / "unnamed", rows)
    assert open_dataset(tmp_path / "unnamed").columns == []
    assert '"columns"' not in (tmp_path / "unnamed" / "dataset.json").read_text()


@pytest.fixture
def features():
    return np.random.default_rng(2).integers(0, 256, (23, 2, 3, 4), dtype=np.uint8)


def folder_bytes(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_each_split_holds_its_rows_in_the_order_of_the_source(tmp_path, features):
    dataset = written(tmp_path / "d", features)
    splits = assigned(23).splits
    for split in SPLITS:
        stored = dataset.features(split).load()
        assert stored.dtype == np.uint8
        np.testing.assert_array_equal(stored, features[splits == split])
        expected = np.flatnonzero(splits == split)
        assert dataset.ids(split).tolist() == [f"{row:06d}" for row in expected]
        np.testing.assert_array_equal(dataset.labels(split), expected % 3)


def test_what_is_written_reads_back_as_what_is_returned(tmp_path, features):
    dataset = written(tmp_path / "d", features)
    assert open_dataset(tmp_path / "d") == dataset


def test_the_table_tells_of_each_sample(tmp_path, features):
    written(tmp_path / "d", features)
    table = read_table(tmp_path / "d" / "samples.parquet").set_index("id")
    row = table.loc["000004"]
    assert (row["minimum"], row["maximum"]) == (features[4].min(), features[4].max())
    assert row["mean"] == pytest.approx(features[4].mean())


def test_equal_samples_have_equal_digests_and_others_do_not(tmp_path, features):
    features[7] = features[2]
    written(tmp_path / "d", features)
    table = read_table(tmp_path / "d" / "samples.parquet").set_index("id")
    assert table.loc["000007", "digest"] == table.loc["000002", "digest"]
    assert table["digest"].nunique() == 22


def test_equal_sources_give_equal_bytes(tmp_path, features):
    for name in ("one", "two"):
        written(tmp_path / name, features, noisy=features + 1, scaling="standard")
    assert folder_bytes(tmp_path / "one") == folder_bytes(tmp_path / "two")


def test_reading_in_small_blocks_stores_the_same(tmp_path, features, monkeypatch):
    written(tmp_path / "one", features, noisy=features + 1)
    monkeypatch.setattr(ingestion, "BLOCK_ELEMENTS", 50)  # two samples at once
    written(tmp_path / "two", features, noisy=features + 1)
    assert folder_bytes(tmp_path / "one") == folder_bytes(tmp_path / "two")


@pytest.mark.parametrize("change", ["a pixel", "a label", "a split", "a noisy pixel", "the type"])
def test_the_digest_tells_of_any_change(tmp_path, features, change):
    noisy = features + 1
    before = written(tmp_path / "one", features, noisy).digest
    after = assigned(23)
    changed, changed_noisy = features.copy(), noisy.copy()
    match change:
        case "a pixel":
            changed[3, 0, 0, 0] ^= 1
        case "a label":
            after.labels[1] = 2
        case "a split":
            after.splits[1] = "valid"
        case "a noisy pixel":
            changed_noisy[3, 0, 0, 0] ^= 1
        case "the type":
            changed = changed.view(np.int8)
    other = write_dataset(
        source(changed, changed_noisy), "npz", after, tmp_path / "two", Silent()
    ).digest
    assert other != before


def test_statistics_are_of_the_training_split_alone(tmp_path):
    features = np.arange(40, dtype=np.float64).reshape(20, 2)
    before = written(tmp_path / "one", features, scaling="standard")
    features[[0, 3]] += 1000  # of test and validation
    after = written(tmp_path / "two", features, scaling="standard")
    assert (after.scale, after.offset) == (before.scale, before.offset)
    train = after.scaled(after.features("train").load())
    np.testing.assert_allclose(train.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(train.std(axis=0), 1, rtol=1e-6)


def test_pairs_stay_side_by_side(tmp_path, features):
    dataset = written(tmp_path / "d", features, noisy=features ^ 1)
    assert dataset.paired
    for split in SPLITS:
        np.testing.assert_array_equal(
            dataset.noisy(split).load(), dataset.features(split).load() ^ 1
        )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39])
def test_samples_with_values_that_are_not_finite_are_counted_and_named(tmp_path, value):
    features = np.ones((300, 5))
    features[[3, 40, 200, 201, 202, 299], 2] = value
    message = (
        r"here: NaN or infinite values in 6 of 300 samples: 000003, 000040, .*\.\.\.; expected"
    )
    with pytest.raises(SourceError, match=message):
        written(tmp_path / "d", features)
    with pytest.raises(SourceError, match="in 6 of 300"):
        written(tmp_path / "e", np.ones((300, 5)), noisy=features)


@pytest.mark.parametrize("at_once", [1, 4, 1000])
def test_a_value_outside_the_bounds_is_told_with_its_place(tmp_path, monkeypatch, at_once):
    monkeypatch.setattr(ingestion, "BLOCK_ELEMENTS", at_once * 6)
    features = np.full((30, 1, 2, 3), 0.5)
    bounded = replace(source(features), bounds=(0.0, 1.0))
    assert write_dataset(bounded, "npz", assigned(30), tmp_path / "d", Silent()).value_range == (
        0.0,
        1.0,
    )
    features[7, 0, 1, 2] = 1.25
    features[20] = -3.0
    message = (
        r"here: values outside the bounds 0 to 1 in 2 of 30 samples, first 1.25 at feature "
        r"\(0, 1, 2\) of sample 000007; they go from -3 to 1.25; mend them"
    )
    with pytest.raises(ContractError, match=message):
        write_dataset(bounded, "npz", assigned(30), tmp_path / "e", Silent())


def test_noisy_versions_may_lie_outside_the_bounds(tmp_path):
    features = np.full((30, 4), 0.5)
    bounded = replace(source(features, features * 9), bounds=(0.0, 1.0))
    dataset = write_dataset(bounded, "pairs", assigned(30), tmp_path / "d", Silent())
    assert dataset.noisy("test").load().max() == 4.5


def test_samples_that_are_left_out_are_nowhere(tmp_path, features):
    some = assigned(23)
    some.splits[[1, 4]] = ""
    dataset = write_dataset(source(features), "npz", some, tmp_path / "d", Silent())
    assert sum(dataset.counts.values()) == 21
    assert not {"000001", "000004"} & {i for split in SPLITS for i in dataset.ids(split)}
    assert sum(len(dataset.features(split)) for split in SPLITS) == 21


def test_memory_does_not_grow_with_the_source(tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "PART_BYTES", 2**20)
    size, peaks = 10_000, []
    for count in (1_000, 5_000):  # 10 and 50 MB
        large = SourceData(
            where="here",
            shape=(size,),
            ids=numbered(count),
            blocks=lambda rows, count=count: (
                np.full((min(rows, count - start), size), start % 251, np.uint8)
                for start in range(0, count, rows)
            ),
            labels=None,
            classes=[],
        )
        tracemalloc.start()
        write_dataset(large, "npz", assigned(count), tmp_path / str(count), Silent())
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 4 * 2**20  # the table of samples, and not 40 MB
