"""What holds for every source that is generated: seeds, blocks, contract with ingestion."""

import numpy as np
import pytest

from aepipe.data.sources.open import open_source
from aepipe.params.data import Source
from aepipe.params.load import validate

SIZES = {"train": 120, "valid": 30, "test": 50}
DIGITS = {"kind": "digits"}
KINDS = {
    "rectangles": {"kind": "rectangles"},
    "convex": {"kind": "convex"},
    "rotated": {"kind": "variant", "of": DIGITS, "rotation": True, "background": "none"},
    "random_background": {
        "kind": "variant", "of": DIGITS, "rotation": True, "background": "random",
    },
}  # fmt: skip


def generated(name, seed, rows=64):
    source = open_source(validate(Source, KINDS[name] | SIZES, name), seed)
    return source, np.concatenate(list(source.blocks(rows)))


@pytest.mark.parametrize("name", KINDS)
def test_the_same_seed_gives_the_same_samples_in_blocks_of_any_size(name):
    source, images = generated(name, 3)
    for rows in (7, 1000):
        again, other = generated(name, 3, rows)
        np.testing.assert_array_equal(images, other)
        np.testing.assert_array_equal(source.labels, again.labels)
    assert all(len(block) <= 7 for block in source.blocks(7))
    np.testing.assert_array_equal(np.concatenate(list(source.blocks(64))), images)  # read twice


@pytest.mark.parametrize("name", KINDS)
def test_another_seed_gives_others(name):
    assert not np.array_equal(generated(name, 3)[1], generated(name, 4)[1])


@pytest.mark.parametrize("name", KINDS)
def test_what_is_given_fits_together(name):
    source, images = generated(name, 3)
    assert images.dtype == np.uint8
    assert images.shape == (200, *source.shape)
    assert len(source.ids) == len(set(source.ids)) == len(source.given) == len(source.labels) == 200
    assert {split: source.given.count(split) for split in SIZES} == SIZES
    assert "not the original files" in source.origin
    low, high = source.bounds
    assert low <= images.min() < images.max() <= high
