"""Laws of the draw of samples from which probes learn."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from aepipe.evaluation.sampling import stratified

LABELS = st.lists(st.integers(-1, 4), min_size=1, max_size=80).map(np.array)


@given(labels=LABELS, limit=st.integers(1, 90), seed=st.integers(0, 2**63 - 1))
def test_each_class_gets_its_share_to_within_one_sample(labels, limit, seed):
    chosen = stratified(labels, limit, seed)

    labelled = labels[labels >= 0]
    assert len(chosen) == min(limit, len(labelled))
    assert (np.diff(chosen) > 0).all()
    assert (labels[chosen] >= 0).all()
    for label in np.unique(labelled):
        share = np.mean(labelled == label) * len(chosen)
        got = np.sum(labels[chosen] == label)
        assert share - 1 <= got + 1e-9
        assert got <= share + 1 + 1e-9


@given(labels=LABELS, seed=st.integers(0, 2**63 - 1))
def test_no_class_is_left_out_while_there_is_room(labels, seed):
    classes = np.unique(labels[labels >= 0])
    chosen = stratified(labels, max(1, len(classes)), seed)

    np.testing.assert_array_equal(np.unique(labels[chosen]), classes)


@given(labels=LABELS, seed=st.integers(0, 2**63 - 1))
def test_a_smaller_draw_is_part_of_a_larger_one(labels, seed):
    assert set(stratified(labels, 5, seed)) <= set(stratified(labels, 9, seed))


def test_another_seed_draws_others():
    labels = np.repeat([0, 1], 500)

    assert not np.array_equal(stratified(labels, 50, 1), stratified(labels, 50, 2))
    np.testing.assert_array_equal(stratified(labels, 50, 1), stratified(labels, 50, 1))
