"""Laws of the splits: disjoint, complete, stratified, repeatable, groups whole."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aepipe.data.sources.source import SourceData, numbered, slices
from aepipe.data.splits import draw_splits, keep_labels, leave_out, round_to_sum
from aepipe.errors import SourceError
from aepipe.params.data import Splits


def source(labels, given=None, groups=None):
    labels = None if labels is None else np.asarray(labels, np.int64)
    count = len(labels if labels is not None else given)
    return SourceData(
        where="here",
        shape=(1,),
        ids=numbered(count),
        blocks=slices(np.zeros((count, 1))),
        labels=labels,
        classes=[] if labels is None else [f"c{number}" for number in range(labels.max() + 1)],
        given=given,
        groups=None if groups is None else np.asarray(groups, np.int64),
    )


def shares(valid=0.2, test=0.2):
    return Splits(valid=valid, test=test)


# At least ten of each class and shares of at most 0.4, so that training keeps some of each.
many_labels = st.lists(st.integers(10, 40), min_size=1, max_size=5).map(
    lambda counts: np.random.default_rng(len(counts)).permutation(
        np.repeat(np.arange(len(counts)), counts)
    )
)
share = st.floats(0.05, 0.4)
seeds = st.integers(0, 2**63 - 1)


@settings(max_examples=60)
@given(many_labels, share, share, seeds)
def test_drawn_splits_are_complete_and_stratified_within_one_sample(labels, valid, test, seed):
    splits = draw_splits(source(labels), shares(valid, test), seed)
    assert set(splits) == {"train", "valid", "test"}  # each sample has exactly one of them
    for split, wanted in (("valid", valid), ("test", test)):
        assert (splits == split).sum() == np.ceil(wanted * len(labels) - 1e-9)
        for number in np.unique(labels):
            of_class = labels == number
            assert abs((splits[of_class] == split).sum() - wanted * of_class.sum()) < 1 + 1e-9


@settings(max_examples=20)
@given(many_labels, seeds)
def test_the_same_seed_draws_the_same_and_another_draws_otherwise(labels, seed):
    first, again = (draw_splits(source(labels), shares(), seed) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    others = [draw_splits(source(labels), shares(), seed ^ bit) for bit in (1, 2, 4)]
    assert any((first != other).any() for other in others)


@settings(max_examples=20)
@given(many_labels, share, seeds)
def test_the_test_split_does_not_depend_on_the_share_of_validation(labels, valid, seed):
    one, other = (draw_splits(source(labels), shares(v, 0.3), seed) for v in (valid, 0.1))
    np.testing.assert_array_equal(one == "test", other == "test")


def test_the_names_of_the_classes_do_not_matter():
    labels = np.arange(60) % 3
    plain = source(labels)
    named = SourceData(**{**vars(plain), "classes": ["x", "y", "z"], "where": "there"})
    np.testing.assert_array_equal(draw_splits(plain, shares(), 7), draw_splits(named, shares(), 7))


def test_a_tiny_class_keeps_a_sample_for_training():
    labels = np.array([0] * 30 + [1] * 2 + [2] * 3)
    for seed in range(20):
        splits = draw_splits(source(labels), shares(0.45, 0.45), seed)
        assert set(labels[splits == "train"]) == {0, 1, 2}


def test_without_labels_the_shares_are_drawn_all_the_same():
    unlabelled = SourceData(**{**vars(source([0] * 50)), "labels": None, "classes": []})
    splits = draw_splits(unlabelled, shares(0.1, 0.3), 1)
    assert [(splits == split).sum() for split in ("train", "valid", "test")] == [30, 5, 15]


@settings(max_examples=20)
@given(many_labels, share, seeds)
def test_a_given_test_split_is_kept_and_validation_comes_from_training(labels, valid, seed):
    given = np.where(np.arange(len(labels)) % 4 == 0, "test", "train").tolist()
    splits = draw_splits(source(labels, given), shares(valid, 0.2), seed)
    np.testing.assert_array_equal(splits == "test", np.array(given) == "test")
    assert (splits == "valid").sum() == np.ceil(valid * given.count("train") - 1e-9)


def test_splits_that_are_all_given_are_kept_whatever_the_seed():
    given = ["train", "valid", "test"] * 4
    np.testing.assert_array_equal(draw_splits(source([0] * 12, given), shares(), 3), given)


def test_a_missing_test_split_is_drawn_from_training_beside_a_given_validation():
    given = ["train", "train", "train", "valid"] * 10
    splits = draw_splits(source([0, 1, 0, 1] * 10, given), shares(0.1, 0.5), 3)
    np.testing.assert_array_equal(splits == "valid", np.array(given) == "valid")
    assert (splits == "test").sum() == 15


@settings(max_examples=40)
@given(st.integers(20, 60), share, share, seeds)
def test_groups_are_never_torn_and_the_shares_are_off_by_half_a_group(count, valid, test, seed):
    rng = np.random.default_rng(count)
    groups = rng.permutation(np.repeat(np.arange(count), rng.integers(1, 5, count)))
    one_class = source(np.zeros(len(groups)), groups=groups)
    splits = draw_splits(one_class, shares(valid, test), seed)
    assert len(set(zip(groups, splits, strict=True))) == count
    # a group has 4 samples at most; taking or leaving one more would have brought no gain
    for split, wanted in (("test", test), ("valid", valid)):
        assert abs((splits == split).sum() - wanted * len(groups)) <= 2


def test_groups_leave_the_classes_in_balance():
    labels = np.repeat([0, 0, 0, 1], 50)  # three quarters and one quarter
    splits = draw_splits(source(labels, groups=np.arange(200) // 2), shares(0.2, 0.2), 5)
    for split in ("train", "valid", "test"):
        assert abs((labels[splits == split] == 0).mean() - 0.75) < 0.06


def test_a_given_split_that_tears_a_group_is_refused():
    torn = source([0, 1, 0, 1], ["train", "train", "train", "test"], groups=[1, 2, 3, 2])
    with pytest.raises(
        SourceError, match=r"here: 1 groups lie in more than one .* 000001; expected"
    ):
        draw_splits(torn, shares(), 1)


def test_groups_too_large_to_divide_are_refused():
    large = source([0, 1] * 10, groups=[1] * 19 + [2])
    with pytest.raises(SourceError, match=r"no sample is left for \w+ of 20.*smaller groups"):
        draw_splits(large, shares(), 1)


def test_a_class_with_one_sample_is_named():
    with pytest.raises(
        SourceError, match=r"here: 1 class with one sample .*'c2'; expected at least 2"
    ):
        draw_splits(source([0] * 9 + [1] * 9 + [2]), shares(), 1)


def test_many_classes_with_one_sample_are_counted_and_five_are_named():
    with pytest.raises(SourceError, match=r"8 classes with one sample .*'c5', \.\.\.; expected"):
        draw_splits(source([0] * 9 + list(range(1, 9))), shares(), 1)


def test_a_class_with_one_sample_may_stand_where_nothing_is_drawn():
    labels = [0, 1, 0, 0]
    given = ["train", "train", "valid", "test"]
    assert draw_splits(source(labels, given), shares(), 1).tolist() == given


def test_a_class_that_training_never_sees_is_named():
    given = ["train", "train", "valid", "test"]
    with pytest.raises(SourceError, match=r"1 class without a training sample: 'c1'; expected"):
        draw_splits(source([0, 0, 0, 1], given), shares(), 1)


def test_a_single_sample_cannot_be_divided():
    with pytest.raises(SourceError, match="expected"):
        draw_splits(source([0]), shares(), 1)


@settings(max_examples=40)
@given(many_labels, st.floats(0.01, 1), seeds)
def test_a_share_of_each_training_class_keeps_its_label(labels, fraction, seed):
    splits = draw_splits(source(labels), shares(), 3)
    kept = keep_labels(source(labels), splits, fraction, seed)
    assert (kept[splits != "train"] == labels[splits != "train"]).all()
    for number in np.unique(labels):
        of_class = (labels == number) & (splits == "train")
        count = (kept[of_class] >= 0).sum()
        assert count >= 1
        assert abs(count - max(1, fraction * of_class.sum())) < 1 + 1e-9
        assert set(kept[of_class]) <= {number, -1}


def test_the_choice_of_labels_leaves_the_splits_as_they_are():
    labels = np.arange(90) % 3
    splits = draw_splits(source(labels), shares(), 3)
    few, more = (keep_labels(source(labels), splits, share, 3) for share in (0.2, 0.6))
    assert set(np.flatnonzero(few >= 0)) <= set(np.flatnonzero(more >= 0))  # and they are nested


def test_data_without_labels_have_none():
    unlabelled = SourceData(**{**vars(source([0] * 4)), "labels": None, "classes": []})
    splits = np.array(["train", "train", "valid", "test"])
    assert keep_labels(unlabelled, splits, 1.0, 1).tolist() == [-1] * 4


@settings(max_examples=100)
@given(st.lists(st.floats(0, 50), min_size=1, max_size=8))
def test_rounding_keeps_the_sum_and_moves_no_number_by_one(wanted):
    rounded = round_to_sum(np.array(wanted))
    assert rounded.sum() == np.ceil(sum(wanted) - 1e-9)
    assert (np.abs(rounded - wanted) < 1 + 1e-6).all()


@settings(max_examples=20)
@given(many_labels, seeds)
def test_training_on_some_classes_leaves_test_as_it_was(labels, seed):
    whole = source(labels)
    splits = draw_splits(whole, shares(), seed)
    kept = leave_out(whole, splits, ["c0"])
    np.testing.assert_array_equal(kept == "test", splits == "test")
    for split in ("train", "valid"):
        np.testing.assert_array_equal(kept == split, (splits == split) & (labels == 0))
    everything = leave_out(whole, splits, whole.classes)
    np.testing.assert_array_equal(everything, splits)


def test_classes_that_are_not_there_are_refused_with_those_that_are():
    whole = source(np.repeat([0, 1], 20))
    splits = draw_splits(whole, shares(), 1)
    with pytest.raises(SourceError, match=r"train_on names 'c7'; .* which are 'c0', 'c1'"):
        leave_out(whole, splits, ["c0", "c7"])
    unlabelled = source(None, given=["train", "valid", "test"] * 4)
    with pytest.raises(SourceError, match="none, since it has no labels"):
        leave_out(unlabelled, np.array(unlabelled.given), ["c0"])


def test_classes_without_a_validation_sample_are_refused():
    given = ["train"] * 6 + ["valid"] * 3 + ["test"] * 3
    whole = source([0, 1] * 3 + [1] * 3 + [0] * 3, given=given)
    with pytest.raises(SourceError, match=r"of data.train_on, c0, in valid; .*data.splits.valid"):
        leave_out(whole, np.array(given), ["c0"])
