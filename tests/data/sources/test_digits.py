"""The embedded digits."""

import numpy as np
from sklearn.datasets import load_digits

from aepipe.data.sources.digits import open_digits


def test_all_digits_are_there_as_bytes(read_all):
    source = open_digits()
    content = read_all(source, 500)
    assert content.dtype == np.uint8
    assert (content.shape, source.shape) == ((1797, 1, 8, 8), (1, 8, 8))
    np.testing.assert_array_equal(content[:, 0], load_digits().images)
    np.testing.assert_array_equal(source.labels, load_digits().target)
    assert source.bounds == (content.min(), content.max()) == (0, 16)


def test_no_digit_is_there_twice(read_all):
    assert len(np.unique(read_all(open_digits()).reshape(1797, 64), axis=0)) == 1797
