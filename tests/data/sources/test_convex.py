"""Convex sets: the published rules, held against other ways of telling what is convex."""

import numpy as np
import pytest
from scipy.spatial import ConvexHull, Delaunay

from aepipe.data.sources import convex
from aepipe.data.sources.convex import areas, is_convex
from aepipe.data.sources.open import open_source
from aepipe.params.data import ConvexSource

CONFIG = ConvexSource(kind="convex", train=900, valid=100, test=1000)


@pytest.fixture(scope="module")
def drawn():
    source = open_source(CONFIG, 5)
    return source, np.concatenate(list(source.blocks(300)))[:, 0]


def words(image):
    return (image.astype(bool) * (1 << np.arange(28))).sum(axis=1).astype(np.uint32)


def has_gap(image):
    """Whether any pair of white pixels has a black one between them; pair by pair."""
    white = np.argwhere(image)
    for first in white:
        for second in white:
            steps = np.gcd(*(second - first))
            for n in range(1, steps):
                y, x = first + (second - first) * n // steps
                if not image[y, x]:
                    return True
    return False


def test_convexity_of_pairs_is_what_looking_at_each_pair_finds():
    rng = np.random.default_rng(0)
    shapes = [np.zeros((28, 28), bool) for _ in range(60)]
    for number, shape in enumerate(shapes):
        y, x, height, width = rng.integers(1, 12, 4)
        shape[y : y + height, x : x + width] = True
        if number % 3 == 0:
            shape[tuple(rng.integers(0, 12, 2))] ^= True
        if number % 3 == 1:
            shape &= np.add.outer(np.arange(28), np.arange(28)) < rng.integers(8, 20)
    found = is_convex(np.stack([words(shape) for shape in shapes]))
    expected = [not has_gap(shape) for shape in shapes]
    assert found.tolist() == expected
    assert 0 < sum(expected) < len(expected)


def test_a_convex_region_holds_every_pixel_of_its_hull(drawn):
    source, images = drawn
    checked = 0
    grid = np.argwhere(np.ones((28, 28)))
    for image in images[source.labels == 1][:60]:
        white = np.argwhere(image)
        assert len(white) >= 19
        if np.linalg.matrix_rank(white - white[0]) < 2:
            continue  # a line has no hull to triangulate
        hull = Delaunay(white[ConvexHull(white).vertices])
        inside = hull.find_simplex(grid) >= 0
        np.testing.assert_array_equal(inside.reshape(28, 28), image > 0)
        checked += 1
    assert checked > 50


def test_a_non_convex_region_has_a_pixel_between_two_that_is_not_its_own(drawn):
    source, images = drawn
    small = [image for image in images[source.labels == 0] if 0 < (image > 0).sum() < 120]
    assert len(small) > 20
    assert all(has_gap(image > 0) for image in small[:20])
    assert not is_convex(np.stack([words(image) for image in images[source.labels == 0]])).any()


def test_both_classes_are_as_frequent_and_have_the_same_mean_area():
    for_each = {}
    for name, make in (("convex", convex.convex_regions), ("not", convex.non_convex_regions)):
        regions = convex.Supply(make, np.random.default_rng(3)).take(4000)
        for_each[name] = areas(regions)
    means = {name: found.mean() for name, found in for_each.items()}
    error = np.hypot(*(found.std() / np.sqrt(len(found)) for found in for_each.values()))
    assert abs(means["convex"] - means["not"]) < 4 * error
    assert means["convex"] == pytest.approx(272, rel=0.05)


def test_areas_count_the_white_pixels(drawn):
    _, images = drawn
    regions = np.stack([words(image) for image in images])
    np.testing.assert_array_equal(areas(regions), (images > 0).sum(axis=(1, 2)))


def test_labels_are_balanced_and_splits_as_declared(drawn):
    source, images = drawn
    assert np.bincount(source.labels).tolist() == [1000, 1000]
    assert [source.given.count(split) for split in ("train", "valid", "test")] == [900, 100, 1000]
    assert set(np.unique(images)) == {0, 255}
    assert "not the original files" in source.origin
