"""Variants of images: turned, on noise, and always those of the source."""

import numpy as np
import pytest
from scipy.ndimage import rotate

from aepipe.data.sources.open import open_source
from aepipe.data.sources.variant import on_noise, rotated
from aepipe.errors import SourceError
from aepipe.params.data import DigitsSource, NpzSource, VariantSource

DIGITS = DigitsSource(kind="digits")
SIZES = {"train": 200, "valid": 40, "test": 60}


def variant(rotation=False, background="none", of=DIGITS, **sizes):
    return VariantSource(
        kind="variant", of=of, rotation=rotation, background=background, **(SIZES | sizes)
    )


def opened(config, seed=3):
    source = open_source(config, seed)
    return source, np.concatenate(list(source.blocks(70)))


def originals(source):
    """The digits of which the source is made, by their names."""
    whole = open_source(DIGITS, 0)
    images = np.concatenate(list(whole.blocks(2000)))
    rows = [int(name) for name in source.ids]
    return images[rows], whole.labels[rows]


def test_without_any_change_it_is_a_random_part_of_the_source():
    source, images = opened(variant())
    expected, labels = originals(source)
    np.testing.assert_array_equal(images, expected)
    np.testing.assert_array_equal(source.labels, labels)
    assert len(set(source.ids)) == 300
    assert {split: source.given.count(split) for split in SIZES} == SIZES
    other, _ = opened(variant(), seed=4)
    assert other.ids != source.ids


def test_splits_are_drawn_from_all_of_the_source():
    source, _ = opened(variant())
    rows = np.array([int(name) for name in source.ids])
    for split in SIZES:
        mean = rows[np.array(source.given) == split].mean()
        assert abs(mean - 898) < 5 * 519 / np.sqrt(SIZES[split])


def test_a_quarter_turn_moves_pixels_and_loses_none():
    images = np.random.default_rng(0).integers(0, 256, (5, 2, 9, 9), dtype=np.uint8)
    turned = rotated(images, np.full(5, np.pi / 2), 0.0)
    np.testing.assert_array_equal(turned, np.rot90(images, axes=(2, 3)))
    np.testing.assert_array_equal(rotated(images, np.zeros(5), 0.0), images)


@pytest.mark.parametrize("angle", [17.0, 200.0, 301.0])
def test_any_turn_is_that_of_scipys_rotate(angle):
    images = np.random.default_rng(0).random((3, 1, 11, 8))
    turned = rotated(images, np.full(3, np.deg2rad(angle)), 0.5)
    for image, result in zip(images[:, 0], turned[:, 0], strict=True):
        expected = rotate(image, angle, reshape=False, order=1, mode="constant", cval=0.5)
        np.testing.assert_allclose(result, expected, atol=1e-9)


def test_angles_cover_the_full_turn():
    """A bar above the centre ends up in every direction, equally often."""
    bar = np.zeros((1, 1, 15, 15))
    bar[..., 0:4, 7] = 1.0
    angles = np.random.default_rng(1).uniform(0, 2 * np.pi, 4000)
    turned = rotated(np.repeat(bar, 4000, axis=0), angles, 0.0)[:, 0]
    grid = np.arange(15) - 7
    down, across = ((turned * g).sum(axis=(1, 2)) for g in (grid[:, None], grid))
    direction = np.arctan2(-across, -down) % (2 * np.pi)
    assert np.abs(np.exp(1j * direction) - np.exp(1j * angles)).max() < 0.2


def test_noise_is_uniform_behind_the_image_and_never_hides_it():
    source, images = opened(variant(background="random", train=1000, valid=300, test=400))
    behind, _ = originals(source)
    assert (images >= behind).all()
    free = images[behind == 0]
    shares = np.bincount(free, minlength=17) / len(free)
    assert len(shares) == 17  # digits are 0 to 16
    assert np.abs(shares - 1 / 17).max() < 5 * np.sqrt(1 / 17 / len(free))


def test_noise_of_numbers_with_a_point_goes_up_to_their_bounds():
    uniform = np.array([0.0, 0.25, 0.999])
    np.testing.assert_allclose(on_noise(np.zeros(3), uniform, (-1.0, 3.0)), [0.0, 0.0, 2.996])


def test_both_changes_are_the_noise_behind_the_turned_image():
    turned = opened(variant(rotation=True))[1]
    both = opened(variant(rotation=True, background="random"))[1]
    noise = opened(variant(background="random"))[1]
    assert (both >= turned).all()
    still = originals(opened(variant())[0])[0]
    free = (turned == 0) & (still == 0)
    np.testing.assert_array_equal(both[free], noise[free])


def test_too_few_images_are_refused_with_both_numbers():
    with pytest.raises(
        SourceError, match=r"digits: 1797 images; .*200 \+ 40 \+ 1600 = 1840; lower"
    ):
        open_source(variant(test=1600), 0)


def archive(tmp_path, features, **keys):
    path = tmp_path / "a.npz"
    np.savez(path, x=features)
    names = {"features": "x", "labels": None, "test_features": None, "test_labels": None}
    return NpzSource(kind="npz", path=str(path), **names, **keys)


def test_a_table_is_refused_and_so_is_noise_without_bounds(tmp_path):
    table = archive(tmp_path, np.zeros((400, 9)))
    with pytest.raises(SourceError, match=r"samples of shape \(9,\); a variant is made of images"):
        open_source(variant(of=table), 0)
    images = np.random.default_rng(0).random((400, 3, 3))
    with pytest.raises(SourceError, match="no bounds between which a random background lies"):
        open_source(variant(of=archive(tmp_path, images), background="random"), 0)
    bounded = archive(tmp_path, images, bounds=(0.0, 1.0))
    _, noisy = opened(variant(of=bounded, background="random"))
    assert noisy.mean() == pytest.approx(2 / 3, abs=0.03)  # the larger of two uniform numbers
