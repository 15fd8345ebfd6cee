"""The map: honest distances, colours by rank."""

import numpy as np

from aepipe.reporting import codemap

ROOM = codemap.SIDE - 2 * codemap.MARGIN


def test_distances_keep_their_proportions_and_fill_the_drawing():
    places = np.random.default_rng(0).normal(size=(50, 2)) * [30, 3]
    x, y = codemap.placed(places)
    assert x.max() - x.min() == ROOM
    drawn = np.stack([x, -y], axis=1)
    apart = np.linalg.norm(places[:, None] - places, axis=2)
    shown = np.linalg.norm(drawn[:, None] - drawn, axis=2)
    scale = ROOM / np.ptp(places[:, 0])
    np.testing.assert_allclose(shown, scale * apart, atol=1.5)


def test_codes_that_are_all_the_same_lie_in_the_middle():
    x, y = codemap.placed(np.ones((3, 2)))
    assert set(x) == set(y) == {codemap.SIDE // 2}


def test_errors_are_coloured_by_rank():
    assert codemap.ranked(np.array([5.0, 0.1, 9e9])) == [50, 0, 100]
