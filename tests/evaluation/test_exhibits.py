"""What the page is given to show of single samples."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from aepipe.data.parts import write_parts
from aepipe.evaluation import exhibits
from aepipe.evaluation.outcome import Outcome, Subject


@pytest.fixture
def bench(hold_court, tmp_path):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(60, 5)).astype(np.float32)
    labels = np.arange(60) % 3
    labels[::7] = -1
    splits = np.repeat(["train", "valid", "test"], [30, 12, 18])
    made = hold_court(features, labels, splits)
    rows = [
        {"condition": name, "split": "test", "kind": "masking", "declared": 0.5,
         "realised": 0.5, "components": 90}
        for name in ("half", "all")
    ]  # fmt: skip
    import pandas as pd

    for number, row in enumerate(rows):
        noisy = made.rows["test"] * np.float32([0.5, 0.0][number])
        write_parts(tmp_path / "corrupted" / row["condition"] / "test", [noisy])
    pd.DataFrame(rows).to_parquet(tmp_path / "corrupted" / "conditions.parquet")
    return made


HALVES = Subject(
    code_size=5, encode=lambda x: x.astype(float) / 2, decode=lambda c: c.astype(np.float32)
)


def test_the_plane_is_that_of_an_independent_pca_up_to_sign():
    rng = np.random.default_rng(1)
    fitted, codes = rng.normal(size=(40, 6)), rng.normal(size=(9, 6))
    places, share = exhibits.plane(fitted, codes)
    known = PCA(2, svd_solver="full").fit(fitted)
    np.testing.assert_allclose(np.abs(places), np.abs(known.transform(codes)), rtol=1e-9)
    assert share == pytest.approx(known.explained_variance_ratio_.sum())


@pytest.mark.parametrize("size", [1, 2])
def test_small_codes_are_their_own_coordinates(size):
    codes = np.random.default_rng(2).normal(size=(7, size))
    places, share = exhibits.plane(codes, codes)
    np.testing.assert_array_equal(places[:, :size], codes)
    assert (places[:, size:] == 0).all()
    assert share == 1


def test_codes_that_never_change_have_a_plane():
    places, share = exhibits.plane(np.ones((4, 3)), np.ones((5, 3)))
    np.testing.assert_array_equal(places, np.zeros((5, 2)))
    assert share == 1


def test_the_map_has_every_split_and_the_errors_of_its_samples(bench, monkeypatch):
    monkeypatch.setattr(exhibits, "ON_MAP", {"train": 20, "valid": 50, "test": 9})
    table, _ = exhibits.map_codes("halves", HALVES, bench.court)
    assert table["split"].value_counts().to_dict() == {"train": 20, "valid": 12, "test": 9}
    for split in ("train", "valid", "test"):
        ids = bench.court.dataset.ids(split).tolist()
        rows = table[table["split"] == split]
        place = [ids.index(one) for one in rows["id"]]
        expected = np.square(bench.rows[split][place] / 2).sum(axis=1)
        np.testing.assert_allclose(rows["squared_error"], expected, rtol=1e-5)
        np.testing.assert_array_equal(rows["label"], bench.labels[split][place])
    again, _ = exhibits.map_codes("other", HALVES, bench.court)
    assert list(again["id"]) == list(table["id"])


def test_examples_are_reconstructed_clean_noisy_and_worst(bench, tmp_path):
    test = bench.rows["test"]
    errors = np.square(test / 2).sum(axis=1)
    outcome = Outcome(errors, None, {})
    exhibits.write_examples(tmp_path / "halves", lambda x: x / 2, outcome, bench.court, 4)
    np.testing.assert_allclose(np.load(tmp_path / "halves.npy"), test[:4] / 2)
    noisy = np.load(tmp_path / "halves.noisy.npy")
    np.testing.assert_allclose(noisy, np.stack([test[:4] / 4, test[:4] * 0]))
    originals, rebuilt = np.load(tmp_path / "halves.worst.npy")
    np.testing.assert_allclose(originals, test[np.argsort(errors)[::-1][:4]])
    np.testing.assert_allclose(rebuilt, originals / 2)


def test_without_errors_there_are_no_worst_cases(bench, tmp_path):
    outcome = Outcome(None, None, {})
    exhibits.write_examples(tmp_path / "raw", lambda x: x, outcome, bench.court, 100)
    assert not (tmp_path / "raw.worst.npy").exists()
    assert len(np.load(tmp_path / "raw.npy")) == 18  # all that there are
