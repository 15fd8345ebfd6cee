"""What scaling does to the training split, and that it never divides by zero."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aepipe.data.scaling import Moments
from aepipe.errors import SourceError


def fitted(rows, scaling, bounds=None, blocks=3):
    moments = Moments(rows[0].size)
    for block in np.array_split(rows, blocks):
        moments.add(block)
    return moments.fit(scaling, bounds, "here")


def applied(scale, rows):
    return rows.reshape(len(rows), -1) * np.asarray(scale.scale) + np.asarray(scale.offset)


@pytest.fixture
def rows():
    return np.random.default_rng(0).normal(5, [1, 10, 0.1, 1], (200, 4))


def test_standard_gives_mean_0_and_variance_1_of_each_feature(rows):
    scaled = applied(fitted(rows, "standard"), rows)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(scaled.var(axis=0), 1, rtol=1e-12)


def test_centred_bytes_differ_from_those_in_their_range_by_the_training_mean():
    pixels = np.random.default_rng(1).integers(0, 256, (50, 3), dtype=np.uint8)
    pixels[:, 2] = 7  # a pixel that never changes in training, and may in the test split
    scale = fitted(pixels, "centred", (0.0, 255.0))
    np.testing.assert_allclose(applied(scale, pixels).mean(axis=0), 0, atol=1e-12)
    moved = applied(scale, np.array([[255, 255, 255]])) - applied(scale, np.zeros((1, 3)))
    np.testing.assert_allclose(moved, 1)
    assert scale.value_range is None  # which the features no longer share


def test_centred_without_bounds_takes_each_features_span_for_its_unit(rows):
    scaled = applied(fitted(rows, "centred"), rows)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(np.ptp(scaled, axis=0), 1, rtol=1e-12)


def test_range_without_bounds_takes_each_feature_to_0_and_1(rows):
    scale = fitted(rows, "range")
    scaled = applied(scale, rows)
    np.testing.assert_allclose(scaled.min(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(scaled.max(axis=0), 1, rtol=1e-12)
    assert scale.value_range is None  # a test sample may lie outside


def test_range_of_bytes_is_one_factor_whatever_values_occur():
    scale = fitted(np.full((5, 3), 9, np.uint8), "range", (0.0, 255.0))
    assert (scale.scale, scale.offset, scale.value_range) == (1 / 255, 0.0, (0.0, 1.0))


def test_range_of_other_bounds_starts_at_0():
    scale = fitted(np.zeros((5, 3)), "range", (-1.0, 3.0))
    assert applied(scale, np.array([[-1.0, 1.0, 3.0]])).tolist() == [[0.0, 0.5, 1.0]]


def test_none_changes_nothing_and_keeps_the_bounds():
    scale = fitted(np.ones((5, 3)), "none", (0.0, 16.0))
    assert (scale.scale, scale.offset, scale.value_range) == (1.0, 0.0, (0.0, 16.0))


@pytest.mark.parametrize("scaling", ["range", "centred", "standard"])
@pytest.mark.parametrize("value", [0.0, 0.1, -7.3, 1e30])
def test_a_constant_feature_becomes_0_and_is_not_blown_up(scaling, value):
    rows = np.column_stack([np.full(7, value), np.arange(7.0)])
    scale = fitted(rows, scaling)
    assert scale.scale[0] == 1.0
    np.testing.assert_allclose(applied(scale, rows)[:, 0], 0, atol=abs(value) * 1e-15)


def test_no_offset_is_a_negative_zero():
    for scale in (
        fitted(np.array([[0.0], [1.0]]), "range"),
        fitted(np.array([[0], [1]], np.uint8), "range", (0.0, 255.0)),
    ):
        assert str(np.ravel(scale.offset)[0]) == "0.0"


def test_a_feature_that_float32_cannot_resolve_is_refused():
    rows = 1e9 + np.arange(10.0)[:, None]  # float32 steps by 64 there
    for scaling in ("range", "standard"):
        with pytest.raises(SourceError, match=r"here: feature 0 .* about 1e\+09.*float32"):
            fitted(rows, scaling)
    fitted(rows, "none")
    fitted(rows - 1e9 + 1e3, "standard")


def test_moments_do_not_depend_on_the_blocks(rows):
    one, many = (fitted(rows + 1e3, "standard", blocks=blocks) for blocks in (1, 37))
    np.testing.assert_allclose(one.scale, many.scale, rtol=1e-12)
    np.testing.assert_allclose(one.offset, many.offset, rtol=1e-12)


def test_a_block_without_training_samples_changes_nothing(rows):
    moments = Moments(4)
    moments.add(rows)
    moments.add(rows[:0])
    assert moments.fit("standard", None, "here") == fitted(rows, "standard", blocks=1)


def test_small_integers_do_not_overflow():
    rows = np.array([[-128], [127]], np.int8)
    assert fitted(rows, "range").scale == [1 / 255]


@given(st.floats(-1e3, 1e3), st.floats(1e-2, 1e3))
def test_no_value_within_bounds_leaves_zero_to_one_in_float32(low, span):
    high = low + span
    scale = Moments(1).fit("range", (low, high), "here")
    values = np.linspace(low, high, 999).astype(np.float32).clip(low, high)
    scaled = values * np.float32(scale.scale) + np.float32(scale.offset)
    assert 0 <= scaled.min() < 0.01
    assert 0.99 < scaled.max() <= 1


@pytest.mark.parametrize("bounds", [(0.0, 255.0), (0.0, 16.0), (0.0, 1.0), (-1.0, 1.0)])
def test_usual_bounds_are_met_exactly(bounds):
    scale = Moments(1).fit("range", bounds, "here")
    low, high = (np.float32(b) * np.float32(scale.scale) + np.float32(scale.offset) for b in bounds)
    assert (low, high) == (0, 1)


def test_bounds_that_float32_cannot_tell_apart_are_refused():
    with pytest.raises(
        SourceError, match=r"bounds 1000000000 and 1000000001, .*subtract a constant"
    ):
        Moments(1).fit("range", (1e9, 1e9 + 1), "here")
