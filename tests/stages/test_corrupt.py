"""Laws of the corrupted splits."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from aepipe.data.dataset import describe_dataset
from aepipe.data.parts import Parts, write_parts
from aepipe.errors import ParamsError
from aepipe.monitor import Silent
from aepipe.params.corruption import CorruptionSection
from aepipe.stages import corrupt
from aepipe.stages.corrupt import Inputs, Outputs, Params

SECTION = CorruptionSection.model_validate(
    {
        "conditions": [
            {"kind": "masking", "fraction": 0.25},
            {"kind": "gaussian", "standard_deviation": 0.2},
            {"kind": "salt_and_pepper", "fraction": 0.1},
        ]
    }
)
NAMES = ["masking_0.25", "gaussian_0.2", "salt_and_pepper_0.1"]


def run(seed, section, dataset, folder):
    corrupt.run(Params(seed, section), Inputs(dataset.folder), Outputs(folder), Silent())


@pytest.fixture(scope="module")
def corrupted(small_digits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("corrupt") / "corrupted"
    run(1, SECTION, small_digits, folder)
    return folder


def rows(folder, name, split):
    return Parts(folder / name / split).load()


def clean(dataset, split):
    return dataset.scaled(dataset.features(split).load())


def test_each_condition_has_both_splits_scaled_and_in_order(corrupted, small_digits):
    for name in NAMES:
        for split in ("valid", "test"):
            shown = rows(corrupted, name, split)
            assert shown.dtype == np.float32
            assert shown.shape == (40, 1, 8, 8)
    assert not list(corrupted.glob("*/train"))


def test_masking_sets_to_zero_and_leaves_the_rest(corrupted, small_digits):
    shown, original = rows(corrupted, NAMES[0], "test"), clean(small_digits, "test")

    assert ((shown == original) | (shown == 0)).all()
    assert 0.15 < np.mean(shown[original > 0] == 0) < 0.35


def test_salt_and_pepper_sets_to_the_bounds_and_leaves_the_rest(corrupted, small_digits):
    shown, original = rows(corrupted, NAMES[2], "test"), clean(small_digits, "test")

    assert ((shown == original) | (shown == 0) | (shown == 1)).all()
    assert (shown[original == 0] == 1).any()


def test_the_realised_level_is_that_of_the_components_that_show_it(corrupted, small_digits):
    table = pd.read_parquet(corrupted / "conditions.parquet").set_index(["condition", "split"])
    assert list(table.index) == [(name, split) for name in NAMES for split in ("valid", "test")]
    original = clean(small_digits, "test")

    added = rows(corrupted, "gaussian_0.2", "test") - original
    gaussian = table.loc[("gaussian_0.2", "test")]
    assert gaussian["realised"] == pytest.approx(np.sqrt(np.square(added).mean()), rel=1e-4)
    for name, sample in (("masking_0.25", original > 0), ("salt_and_pepper_0.1", original > -1)):
        changed = (rows(corrupted, name, "test") != original)[sample]
        row = table.loc[(name, "test")]
        # a pepper on black does not show, so the shown rate is the lower one there
        assert changed.mean() == pytest.approx(row["realised"], abs=0.04)
        assert row["realised"] == pytest.approx(row["declared"], abs=0.03)
    assert (table["components"] == 40 * 64).all()


def test_dropout_and_blocks_are_conditions_with_the_level_that_was_realised(small_digits, tmp_path):
    conditions = [{"kind": "dropout", "fraction": 0.25}, {"kind": "block", "size": 0.3}]
    section = CorruptionSection.model_validate({"conditions": conditions})
    run(1, section, small_digits, tmp_path)
    table = pd.read_parquet(tmp_path / "conditions.parquet").set_index(["condition", "split"])
    original = clean(small_digits, "test")

    dropped = rows(tmp_path, "dropout_0.25", "test")
    scaled = np.isclose(dropped, original / 0.75)
    assert (scaled | (dropped == 0)).all()
    level = table.loc[("dropout_0.25", "test")]
    assert level["declared"] == 0.25
    assert level["realised"] == pytest.approx(np.mean(dropped[original > 0] == 0), abs=0.05)

    hidden = rows(tmp_path, "block_0.3", "test")
    assert ((hidden == original) | (hidden == 0)).all()
    assert (hidden != original).sum(axis=(1, 2, 3)).max() == 4  # 2 x 2 pixels, none of them 0
    level = table.loc[("block_0.3", "test")]  # sides of 0.3 x 8 = 2.4 pixels are 2
    assert level["declared"] == level["realised"] == pytest.approx((2 / 8) ** 2)


def test_a_condition_is_not_said_to_be_fixed():
    section = {"conditions": [{"kind": "masking", "fraction": 0.25, "drawn": "fixed"}]}
    with pytest.raises(ValueError, match="each condition is drawn once"):
        CorruptionSection.model_validate(section)


def test_masked_zeros_count_as_masked(small_digits, tmp_path):
    section = CorruptionSection.model_validate(
        {"conditions": [{"kind": "masking", "fraction": 1.0}]}
    )
    run(0, section, small_digits, tmp_path)

    assert (pd.read_parquet(tmp_path / "conditions.parquet")["realised"] == 1).all()


def test_equal_seeds_give_equal_bytes_and_others_other_noise(corrupted, small_digits, tmp_path):
    run(1, SECTION, small_digits, tmp_path / "again")
    run(2, SECTION, small_digits, tmp_path / "other")

    files = sorted(p.relative_to(corrupted) for p in corrupted.rglob("*") if p.is_file())
    assert len(files) == 2 * len(NAMES) + 1
    for file in files:
        assert (corrupted / file).read_bytes() == (tmp_path / "again" / file).read_bytes(), file
    for name in NAMES:
        here, there = rows(corrupted, name, "test"), rows(tmp_path / "other", name, "test")
        assert (here != there).any()


def test_a_further_condition_leaves_the_others_as_they_were(corrupted, small_digits, tmp_path):
    first, *others = SECTION.conditions
    run(1, CorruptionSection(conditions=(*others, first)), small_digits, tmp_path)

    for name in NAMES:
        np.testing.assert_array_equal(rows(tmp_path, name, "valid"), rows(corrupted, name, "valid"))


def test_no_condition_leaves_an_empty_table(small_digits, tmp_path):
    run(1, CorruptionSection(conditions=()), small_digits, tmp_path / "corrupted")

    table = pd.read_parquet(tmp_path / "corrupted" / "conditions.parquet")
    assert list(table.columns)[:2] == ["condition", "split"]
    assert table.empty


def test_a_condition_that_stands_twice_is_refused(small_digits, tmp_path):
    first = SECTION.conditions[0]
    near = first.model_copy(update={"fraction": first.fraction + 1e-9})
    twice = CorruptionSection(conditions=(near, *SECTION.conditions))
    with pytest.raises(ParamsError, match=r"masking_0.25 stands more than once"):
        run(1, twice, small_digits, tmp_path)


def with_noisy_pairs(dataset, folder):
    """A copy of ``dataset`` whose noisy version is 3 stored units brighter."""
    shutil.copytree(dataset.folder, folder)
    paired = replace(dataset, folder=folder, paired=True)
    for split in ("train", "valid", "test"):
        noisy = paired.features(split).load().astype(np.float32) + 3
        write_parts(folder / "noisy" / split, [noisy])
    describe_dataset(paired)
    return paired


def test_supplied_pairs_are_a_condition_of_their_own(small_digits, tmp_path):
    paired = with_noisy_pairs(small_digits, tmp_path / "dataset")
    run(1, CorruptionSection(conditions=()), paired, tmp_path / "corrupted")

    np.testing.assert_allclose(
        rows(tmp_path / "corrupted", "pairs", "test"), clean(paired, "test") + 3 / 16
    )
    table = pd.read_parquet(tmp_path / "corrupted" / "conditions.parquet")
    assert list(table["split"]) == ["valid", "test"]
    assert table["declared"].isna().all()
    np.testing.assert_allclose(table["realised"], 3 / 16, rtol=1e-6)


def test_salt_and_pepper_needs_bounds(small_digits, tmp_path):
    unbounded = replace(small_digits, folder=tmp_path / "dataset", value_range=None)
    shutil.copytree(small_digits.folder, unbounded.folder)
    describe_dataset(unbounded)
    with pytest.raises(ParamsError, match="salt_and_pepper needs features with a smallest"):
        run(1, SECTION, unbounded, tmp_path / "corrupted")
    assert not (tmp_path / "corrupted").exists()
