"""Series from tables and arrays: the same samples either way, ends filled up, gaps refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from aepipe.data.ingestion import Assignment, write_dataset
from aepipe.data.sources.series import open_series
from aepipe.errors import SourceError
from aepipe.experiments.files import experiment_params, read_experiment
from aepipe.monitor import Silent
from aepipe.params.data import SeriesSource

ROOT = Path(__file__).parents[3]
LENGTHS = [6, 1, 4, 6, 2]
CLASSES = ["b", "a", "a", "b", "a"]


def ended(series: np.ndarray) -> np.ndarray:
    """The five series with NaN after each one's end."""
    return np.stack([
        np.where((np.arange(6) < length)[:, None], one, np.nan)
        for one, length in zip(series, LENGTHS, strict=True)
    ])  # fmt: skip


@pytest.fixture
def series():
    return np.random.default_rng(5).normal(size=(5, 6, 2))


@pytest.fixture
def filled(series):
    return np.stack([
        one[np.minimum(np.arange(6), length - 1)]
        for one, length in zip(series, LENGTHS, strict=True)
    ])  # fmt: skip


def archive(path, channels=2, lengths=None, test_lengths=None, **changes):
    keys = {"features": "x", "labels": None, "test_features": None, "test_labels": None} | changes
    return SeriesSource(
        kind="series", channels=channels, lengths=lengths, test_lengths=test_lengths,
        file={"kind": "npz", "path": str(path), **keys},
    )  # fmt: skip


def table(path, channels=2):
    roles = {"label": "kind", "group": None, "split": None, "ignore": ()}
    kind = path.suffix.removeprefix(".")
    return SeriesSource(
        kind="series", channels=channels, file={"kind": kind, "path": str(path), **roles}
    )


def save(path, **arrays):
    np.savez(path, **arrays)
    return path


def write_table(path, rows):
    frame = pd.DataFrame(rows, columns=[f"v{number}" for number in range(rows.shape[1])])
    frame.insert(3, "kind", CLASSES)
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path, index=False)
    return path


@pytest.mark.parametrize("rows", [1, 2, 100])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_row_of_a_table_is_a_series_that_ends_where_its_cells_do(
    tmp_path, series, filled, read_all, suffix, rows
):
    path = write_table(tmp_path / f"a.{suffix}", ended(series).reshape(5, 12))
    source = open_series(table(path))
    assert (source.shape, source.steps) == ((6, 2), 6)
    np.testing.assert_array_equal(read_all(source, rows), filled)
    assert (source.classes, source.labels.tolist()) == (["a", "b"], [1, 0, 0, 1, 0])


@pytest.mark.parametrize("rows", [1, 2, 100])
def test_an_array_may_end_in_nan_or_have_its_lengths_beside_it(
    tmp_path, series, filled, read_all, rows
):
    ends = archive(save(tmp_path / "a.npz", x=ended(series)))
    told = archive(save(tmp_path / "b.npz", x=series, n=np.array(LENGTHS)), lengths="n")
    flat = archive(save(tmp_path / "c.npz", x=ended(series).reshape(5, 12)))
    for config in (ends, told, flat):
        source = open_series(config)
        assert source.shape == (6, 2)
        np.testing.assert_array_equal(read_all(source, rows), filled)


def test_series_of_one_channel_have_one_dimension(tmp_path, series, read_all):
    for x in (series[:, :, 0], series[:, :, :1]):
        source = open_series(archive(save(tmp_path / "a.npz", x=x), channels=1))
        assert source.shape == (6,)
        np.testing.assert_array_equal(read_all(source), series[:, :, 0])


def test_a_test_part_keeps_its_own_lengths(tmp_path, series, read_all):
    path = save(tmp_path / "a.npz", x=series, n=np.full(5, 6), z=series[:2], m=np.array([1, 3]))
    source = open_series(archive(path, test_features="z", lengths="n", test_lengths="m"))
    assert source.given == ["train"] * 5 + ["test"] * 2
    found = read_all(source)
    np.testing.assert_array_equal(found[:5], series)
    np.testing.assert_array_equal(found[5], np.repeat(series[:1, 0], 6, axis=0))
    np.testing.assert_array_equal(found[6, 2:], np.repeat(series[1:2, 2], 4, axis=0))


def test_whole_numbers_stay_what_they_are(tmp_path, read_all):
    x = np.arange(24, dtype=np.int16).reshape(4, 6)
    path = save(tmp_path / "a.npz", x=x, n=np.array([6, 2, 6, 6]))
    found = read_all(open_series(archive(path, channels=1, lengths="n")))
    assert found.dtype == np.int16
    assert found[1].tolist() == [6, 7, 7, 7, 7, 7]


@pytest.mark.parametrize("scaling", ["range", "standard"])
def test_all_steps_of_a_channel_are_scaled_alike(tmp_path, series, filled, scaling):
    source = open_series(archive(save(tmp_path / "a.npz", x=ended(series) * [1, 50] + [0, 7])))
    splits = np.array(["train", "valid", "train", "train", "test"])
    dataset = write_dataset(
        source, "series", Assignment(splits, np.full(5, -1), scaling), tmp_path / "d", Silent()
    )
    scaled = dataset.scaled(dataset.features("train").load())
    both = scaled.reshape(-1, 2)
    if scaling == "range":
        np.testing.assert_allclose(
            [both.min(axis=0), both.max(axis=0)], [[0, 0], [1, 1]], atol=1e-5
        )
    else:
        np.testing.assert_allclose(
            [both.mean(axis=0), both.std(axis=0)], [[0, 0], [1, 1]], atol=1e-5
        )
    one = filled[0]
    for channel in (0, 1):  # a change between two steps is the same wherever it happens
        slopes = np.diff(scaled[0, :, channel]) / np.diff(one[:, channel])
        np.testing.assert_allclose(slopes, slopes[0], rtol=1e-4)
    tail = scaled[1, 3:]  # the third series, four steps long
    assert (tail == tail[0]).all()


def test_a_value_missing_before_the_end_is_named(tmp_path, series, read_all):
    x = ended(series)
    x[2, 1, 1] = np.nan
    message = r"series 000002 has no value at step 1, channel 1, and goes on to step 3; .*fill it"
    with pytest.raises(SourceError, match=message):
        read_all(open_series(archive(save(tmp_path / "a.npz", x=x))))
    with pytest.raises(SourceError, match=message):
        read_all(open_series(table(write_table(tmp_path / "a.csv", x.reshape(5, 12)))))


def test_a_channel_that_ends_before_the_others_is_a_gap(tmp_path, series, read_all):
    x = ended(series)
    x[2, 3, 0] = np.nan
    with pytest.raises(SourceError, match="series 000002 has no value at step 3, channel 0"):
        read_all(open_series(archive(save(tmp_path / "a.npz", x=x))), 1)


def test_a_series_without_a_value_is_named(tmp_path, series, read_all):
    x = ended(series)
    x[3] = np.nan
    with pytest.raises(SourceError, match=r"series 000003 has no value at all; .*remove it"):
        read_all(open_series(archive(save(tmp_path / "a.npz", x=x))))


def test_a_missing_file_says_which_key_to_set(tmp_path):
    for config in (archive(tmp_path / "none.npz"), table(tmp_path / "none.csv")):
        with pytest.raises(SourceError, match=r"no such file.*set data.source.file.path"):
            open_series(config)


def test_channels_that_do_not_divide_the_values_are_refused(tmp_path, series):
    path = save(tmp_path / "a.npz", x=series.reshape(5, 12))
    with pytest.raises(SourceError, match=r"12 values in a row, which 5 channels do not divide"):
        open_series(archive(path, channels=5))


@pytest.mark.parametrize("shape", [(5, 6, 2), (5, 3, 6, 2)])
def test_an_array_of_other_channels_is_refused(tmp_path, shape):
    path = save(tmp_path / "a.npz", x=np.zeros(shape))
    with pytest.raises(SourceError, match=r"channels is 3; expected \(samples, steps, channels\)"):
        open_series(archive(path, channels=3))


@pytest.mark.parametrize(
    ("lengths", "words"),
    [
        ([6, 1, 4, 6], r"'n' of shape \(4,\) int64; expected a whole number for each of the 5"),
        ([6, 1, 4, 6, 2.5], r"'n' of shape \(5,\) float64; expected a whole number"),
        ([6, 0, 4, 7, 2], r"says 0 steps for series 000001 \(2 such\); expected 1 to 6"),
    ],
)
def test_lengths_that_do_not_fit_are_refused(tmp_path, series, lengths, words):
    path = save(tmp_path / "a.npz", x=series, n=np.array(lengths))
    with pytest.raises(SourceError, match=words):
        open_series(archive(path, lengths="n"))


def test_lengths_are_declared_for_all_parts_or_none_and_for_arrays_alone(tmp_path):
    with pytest.raises(ValidationError, match="test_lengths None; expected both where"):
        archive("a.npz", test_features="z", lengths="n")
    with pytest.raises(ValidationError, match="lengths alone where it has none"):
        archive("a.npz", lengths="n", test_lengths="m")
    config = table(tmp_path / "a.csv").model_dump() | {"lengths": "n"}
    with pytest.raises(ValidationError, match="file is of kind csv; leave cells empty"):
        SeriesSource(**config)


@pytest.mark.slow
def test_heartbeats_are_read_as_their_experiment_declares_them(monkeypatch, read_all):
    monkeypatch.chdir(ROOT)
    experiment = read_experiment(ROOT / "experiments", "ecg5000")
    _, params = experiment_params(experiment, ROOT / "params.yaml", "experiment ecg5000")
    path = Path(params.data.source.file.path)
    if not path.exists():
        pytest.skip(f"{path} is not there; experiments/ecg5000.yaml says what it holds")
    source = open_series(params.data.source)
    assert (len(source), source.shape, source.steps) == (1000, (140,), 140)
    assert (source.given.count("train"), source.classes) == (500, ["1", "2", "3", "4", "5"])
    assert int((source.labels[:500] == 0).sum()) == 292  # normal beats of the UCR training file
    with np.load(path) as arrays:
        np.testing.assert_array_equal(read_all(source, 64)[:500], arrays["train_x"])
