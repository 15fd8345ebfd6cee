"""From the declared source to a dataset, or to a refusal that leaves nothing behind."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from aepipe.data.contracts import Samples, checked, read_table
from aepipe.data.dataset import SPLITS, UNLABELLED, open_dataset
from aepipe.errors import AepipeError, ContractError, SourceError
from aepipe.files import all_or_nothing
from aepipe.monitor import Silent
from aepipe.params.data import Data
from aepipe.stages import ingest as stage
from aepipe.stages.ingest import Inputs, Outputs, Params, run


def data(source, **changes):
    declared = {
        "source": source,
        "scaling": "range",
        "splits": {"valid": 0.1, "test": 0.2},
        "labelled_fraction": 1.0,
        "across_splits": "refuse",
    }
    return Data.model_validate(declared | changes)


def ingested(folder, source, seed=3, **changes):
    run(Params(seed, data(source, **changes)), Inputs(), Outputs(folder), Silent())
    return open_dataset(folder)


def npz(path, **arrays):
    np.savez(path, **arrays)
    names = {"features": "x", "labels": "y", "test_features": None, "test_labels": None}
    return {"kind": "npz", "path": str(path)} | names


def folder_bytes(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


DIGITS = {"kind": "digits"}


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return ingested(tmp_path_factory.mktemp("ingest") / "digits", DIGITS)


def test_digits_become_a_dataset_of_bytes_in_0_to_1(digits):
    assert digits.counts == {"train": 1257, "valid": 180, "test": 360}
    assert (digits.shape, digits.value_range, digits.scale) == ((1, 8, 8), (0.0, 1.0), 1 / 16)
    train = digits.features("train").load()
    assert train.dtype == np.uint8
    scaled = digits.scaled(train)
    assert (scaled.min(), scaled.max()) == (0.0, 1.0)


def test_the_table_keeps_its_contract_and_no_digit_is_in_two_splits(digits):
    table = digits.folder / "samples.parquet"
    samples = checked(Samples, read_table(table), table)
    assert samples["digest"].is_unique
    assert len(samples) == 1797


def test_a_table_that_breaks_its_contract_is_not_passed_on(tmp_path, monkeypatch):
    monkeypatch.setattr(stage, "read_table", lambda path: read_table(path).assign(mean=99.0))
    with pytest.raises(ContractError, match=r"samples.parquet.*\n.*minimum <= mean <= maximum"):
        ingested(tmp_path / "d", DIGITS)


def test_each_row_of_the_table_describes_its_row_of_features(digits):
    samples = read_table(digits.folder / "samples.parquet")
    for split in SPLITS:
        rows = digits.features(split).load().reshape(digits.counts[split], -1)
        of_split = samples[samples["split"] == split]
        np.testing.assert_array_equal(of_split["maximum"], rows.max(axis=1))
        np.testing.assert_allclose(of_split["mean"], rows.mean(axis=1))


def test_the_same_declaration_gives_the_same_bytes(digits, tmp_path):
    ingested(tmp_path / "again", DIGITS)
    assert folder_bytes(tmp_path / "again") == folder_bytes(digits.folder)


def test_another_seed_gives_other_splits_of_the_same_samples(digits, tmp_path):
    other = ingested(tmp_path / "other", DIGITS, seed=4)
    assert other.counts == digits.counts
    assert other.digest != digits.digest
    assert set(other.ids("test")) != set(digits.ids("test"))


def test_scarce_labels_change_labels_alone(digits, tmp_path):
    scarce = ingested(tmp_path / "scarce", DIGITS, labelled_fraction=0.1)
    kept = scarce.labels("train") != UNLABELLED
    assert kept.sum() == 126  # a tenth of 1,257, rounded up
    np.testing.assert_array_equal(scarce.labels("train")[kept], digits.labels("train")[kept])
    np.testing.assert_array_equal(scarce.labels("test"), digits.labels("test"))
    np.testing.assert_array_equal(scarce.features("train").load(), digits.features("train").load())


def test_every_kind_of_file_gives_the_same_dataset(tmp_path, digits):
    """The same digits as npz, csv, parquet and a folder of images differ only in what they are."""
    pixels = np.concatenate([digits.features(split).load() for split in SPLITS])[:300]
    labels = np.concatenate([digits.labels(split) for split in SPLITS])[:300]
    flat = pixels.reshape(300, 64)
    table = pd.DataFrame(flat, columns=[f"p{number}" for number in range(64)]).assign(digit=labels)
    table.to_csv(tmp_path / "a.csv", index=False)
    table.to_parquet(tmp_path / "a.parquet", index=False)
    for number, (image, label) in enumerate(zip(pixels, labels, strict=True)):
        path = tmp_path / "images" / str(label) / f"{number:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[0]).save(path)
    roles = {"label": "digit", "group": None, "split": None, "ignore": []}
    made = {
        "npz": npz(tmp_path / "a.npz", x=flat, y=labels),
        "csv": {"kind": "csv", "path": str(tmp_path / "a.csv")} | roles,
        "parquet": {"kind": "parquet", "path": str(tmp_path / "a.parquet")} | roles,
    }
    datasets = {kind: ingested(tmp_path / kind, source) for kind, source in made.items()}
    for split in SPLITS:
        expected = datasets["npz"].features(split).load()
        for kind in ("csv", "parquet"):
            np.testing.assert_array_equal(datasets[kind].features(split).load(), expected)
            assert datasets[kind].ids(split).tolist() == datasets["npz"].ids(split).tolist()
    images = {"kind": "folder", "path": str(tmp_path / "images")}
    folder = ingested(tmp_path / "folder", images | {"height": 8, "width": 8, "channels": 1})
    assert {row.tobytes() for split in SPLITS for row in folder.features(split).load()} == {
        row.tobytes() for row in flat
    }


def test_pairs_become_a_paired_dataset(tmp_path):
    clean = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
    np.savez(tmp_path / "a.npz", clean=clean, noisy=clean + 1)
    source = {"kind": "pairs", "path": str(tmp_path / "a.npz"), "clean": "clean", "noisy": "noisy"}
    dataset = ingested(tmp_path / "d", source | {"labels": None})
    np.testing.assert_array_equal(dataset.noisy("test").load(), dataset.features("test").load() + 1)
    assert (dataset.classes, dataset.labels("test").tolist()) == ([], [UNLABELLED] * 8)


def test_training_on_some_classes_keeps_all_of_them_in_test(tmp_path, digits):
    dataset = ingested(tmp_path / "d", DIGITS, train_on=[3, "5"])
    assert len(dataset.classes) == 10
    assert set(dataset.labels("test")) == set(range(10))
    np.testing.assert_array_equal(dataset.ids("test"), digits.ids("test"))
    for split in ("train", "valid"):
        assert set(dataset.labels(split)) == {3, 5}
        assert set(dataset.ids(split)) < set(digits.ids(split))


def test_a_generated_dataset_says_that_it_is_not_the_original(tmp_path, digits):
    source = {"kind": "rectangles", "train": 50, "valid": 10, "test": 20}
    dataset = ingested(tmp_path / "d", source, across_splits="allow")
    assert dataset.counts == {"train": 50, "valid": 10, "test": 20}
    assert "not the original files" in dataset.origin
    assert digits.origin == ""
    other = ingested(tmp_path / "e", source, seed=4, across_splits="allow")
    assert other.digest != dataset.digest


def refused(tmp_path, source, error, message, **changes):
    """The stage refuses ``source``, and what an earlier run has left stays as it was."""
    target = tmp_path / "data" / "dataset"
    target.mkdir(parents=True)
    (target / "earlier").write_text("kept")
    params = Params(3, data(source, **changes))
    with pytest.raises(error, match=message), all_or_nothing([target]) as (lent,):
        run(params, Inputs(), Outputs(lent), Silent())
    assert folder_bytes(tmp_path / "data") == {"dataset/earlier": b"kept"}


def images():
    return np.random.default_rng(5).integers(0, 256, (60, 4, 4)).astype(np.float32)


def test_images_with_nan_are_refused_by_name(tmp_path):
    x = images()
    x[[7, 31], 2, 2] = np.nan
    source = npz(tmp_path / "a.npz", x=x, y=np.arange(60) % 3)
    refused(tmp_path, source, SourceError, r"a.npz: NaN .* 2 of 60 samples: 000007, 000031; .*mend")


def test_fewer_labels_than_images_are_refused(tmp_path):
    source = npz(tmp_path / "a.npz", x=images(), y=np.arange(59) % 3)
    refused(tmp_path, source, SourceError, "'y': 59 labels, fewer than the 60 samples")


def test_a_class_with_one_sample_is_refused_by_name(tmp_path):
    source = npz(tmp_path / "a.npz", x=images(), y=np.array(["cat", "dog"] * 29 + ["dog", "emu"]))
    refused(
        tmp_path, source, SourceError, r"a.npz: 1 class with one sample .*'emu'.*merge the class"
    )


def test_the_same_image_in_train_and_test_is_refused_unless_allowed(tmp_path):
    x = images()
    x[55] = x[3]
    source = npz(tmp_path / "a.npz", x=x[:50], y=np.arange(50) % 3, tx=x[50:], ty=np.arange(10) % 3)
    source |= {"test_features": "tx", "test_labels": "ty"}
    message = r"a.npz: digest: same content in two splits: 1 found.* = test/000005 \(test\);"
    refused(tmp_path, source, ContractError, message)
    assert ingested(tmp_path / "d", source, across_splits="allow").counts["test"] == 10


def test_an_npz_that_holds_a_pickle_is_refused(tmp_path):
    source = npz(tmp_path / "a.npz", x=np.array([{}] * 9, object), y=np.arange(9))
    refused(tmp_path, source, SourceError, r"holds a pickle .*never read")


def test_a_corrupted_png_is_refused_by_name(tmp_path):
    for name in ("cat/1.png", "cat/2.png", "cat/3.png", "dog/1.png", "dog/2.png", "dog/3.png"):
        (tmp_path / "all" / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = np.frombuffer(name.encode() * 3, np.uint8)[:16].reshape(4, 4)
        Image.fromarray(pixels).save(tmp_path / "all" / name)
    path = tmp_path / "all" / "dog" / "2.png"
    path.write_bytes(path.read_bytes()[:40])
    source = {"kind": "folder", "path": str(tmp_path / "all"), "height": 4, "width": 4}
    refused(tmp_path, source | {"channels": 1}, SourceError, r"dog/2.png: not a readable image")


def test_refusals_exit_with_the_code_of_a_users_mistake():
    assert {SourceError.exit_code, ContractError.exit_code, AepipeError.exit_code} == {2}


@pytest.mark.slow
def test_real_mnist_keeps_its_test_split(shared_data, tmp_path):
    source = {"kind": "idx", "folder": str(shared_data / "mnist")}
    dataset = ingested(tmp_path / "d", source, splits={"valid": 1 / 6, "test": 0.5})
    assert dataset.counts == {"train": 50_000, "valid": 10_000, "test": 10_000}
    assert np.bincount(dataset.labels("test")).tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009,
    ]  # fmt: skip
