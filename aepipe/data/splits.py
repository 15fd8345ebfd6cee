"""Which samples are trained on, validated on, tested on; and which keep their label.

What the source gives is kept. What it lacks is drawn: shares are of all samples that may be drawn
from, which are the whole source where it gives no split, and its training part where it gives one.
Test, validation and labels are drawn from streams of their own, so that another share of one
leaves the others' draws as they are (validation is drawn from what test has left).
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aepipe.data.dataset import UNLABELLED, Split
from aepipe.data.seeds import derive
from aepipe.data.sources.source import SourceData
from aepipe.errors import SourceError
from aepipe.params.data import Data, Splits

Indices = NDArray[np.int64]
DRAWN: tuple[Split, ...] = ("test", "valid")  # in this order; training is what they leave
EXAMPLES = 5


def assign_samples(
    source: SourceData, config: Data, seed: int
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Give split and label of each sample as ``config`` declares, both ``(n,)``.

    The split is empty for a sample that is left out, the label -1 where there is none.

    Raises:
        SourceError: the samples cannot be divided so.
    """
    splits = draw_splits(source, config.splits, seed)
    if config.train_on is not None:
        splits = leave_out(source, splits, config.train_on)
    return splits, keep_labels(source, splits, config.labelled_fraction, seed)


def leave_out(source: SourceData, splits: NDArray[Any], kept: Sequence[str]) -> NDArray[Any]:
    """Leave out, as ``""``, what training and validation have of other classes than ``kept``.

    Raises:
        SourceError: there is no such class, or nothing of those classes to train on or validate by.
    """
    unknown = [repr(name) for name in kept if name not in source.classes]
    if unknown or source.labels is None:
        known = ", ".join(map(repr, source.classes[:20])) or "none, since it has no labels"
        raise SourceError(
            f"{source.where}: data.train_on names {_some(unknown)}; expected some of its classes, "
            f"which are {known}"
        )
    numbers = [number for number, name in enumerate(source.classes) if name in kept]
    left_out = (splits != "test") & ~np.isin(source.labels, numbers)
    remaining: NDArray[Any] = np.where(left_out, "", splits)
    for split in ("train", "valid"):
        if split not in remaining:
            raise SourceError(
                f"{source.where}: no sample of the classes of data.train_on, {', '.join(kept)}, in "
                f"{split}; expected some; name more classes, or raise data.splits.{split}"
            )
    return remaining


def draw_splits(source: SourceData, config: Splits, seed: int) -> NDArray[Any]:
    """Give the split of each sample, text of ``(n,)``: stratified by class, groups kept whole.

    Raises:
        SourceError: a class or group cannot be divided so, a given split tears a group, or
            training would be without some class.
    """
    splits = np.array(source.given if source.given is not None else ["train"] * len(source), "<U5")
    if source.groups is not None:
        _require_whole_groups(source, source.groups, splits)
    pool = np.flatnonzero(splits == "train")
    lacking = [split for split in DRAWN if split not in splits]
    classes = _classes(source)
    if lacking:
        _require_two_of_each(source, classes[pool])
    shares = {"test": config.test, "valid": config.valid}
    for split in lacking:
        rng = np.random.default_rng(derive(seed, f"splits/{split}"))
        left = pool[splits[pool] == "train"]
        wanted = shares[split] * np.bincount(classes[pool], minlength=classes.max() + 1)
        if source.groups is None:
            leaving_one = np.bincount(classes[left], minlength=len(wanted)) - 1
            counts = np.minimum(round_to_sum(wanted), leaving_one)
            drawn = draw_stratified(classes[left], counts, rng)
        else:
            drawn = draw_groups(classes[left], source.groups[left], wanted, rng)
        splits[left[drawn]] = split
    _require_trainable(source, splits, classes)
    return splits


def keep_labels(
    source: SourceData, splits: NDArray[Any], fraction: float, seed: int
) -> NDArray[np.int64]:
    """Give the label of each sample, ``(n,)``, or -1 where it has none or is to lose it.

    Of the training samples of each class about ``fraction`` keep theirs, one at least; validation
    and test keep all.
    """
    labels = source.labels
    if labels is None:
        return np.full(len(source), UNLABELLED, np.int64)
    if fraction == 1:
        return labels
    train = np.flatnonzero(splits == "train")
    counts = np.maximum(round_to_sum(fraction * np.bincount(labels[train])), 1)
    rng = np.random.default_rng(derive(seed, "splits/labels"))
    kept = draw_stratified(labels[train], counts, rng)
    scarce = labels.copy()
    scarce[np.delete(train, kept)] = UNLABELLED
    return scarce


def draw_stratified(classes: Indices, counts: Indices, rng: np.random.Generator) -> Indices:
    """Draw ``counts[c]`` samples of each class ``c``, or all where it has fewer.

    Args:
        classes: of each sample that may be drawn, ``(n,)``.
        counts: one for each class.
        rng: shuffles the samples once.

    Returns:
        Positions in ``classes``, ascending.
    """
    order = rng.permutation(len(classes))
    by_class = order[np.argsort(classes[order], kind="stable")]
    starts = np.searchsorted(classes[by_class], np.arange(len(counts)))
    rank = np.arange(len(classes)) - starts[classes[by_class]]  # of a sample within its class
    return np.sort(by_class[rank < counts[classes[by_class]]])


def round_to_sum(wanted: NDArray[np.floating[Any]]) -> Indices:
    """Round numbers so that they add up to their sum, rounded up; each is off by less than one."""
    counts: Indices = np.floor(wanted + 1e-9).astype(np.int64)  # 0.1 * 30 is a little more than 3
    missing = int(np.ceil(wanted.sum() - 1e-9)) - int(counts.sum())
    largest = np.argsort(counts - wanted, kind="stable")[:missing]  # remainders
    counts[largest] += 1
    return counts


def draw_groups(
    classes: NDArray[np.int64],
    groups: NDArray[np.int64],
    wanted: NDArray[np.floating[Any]],
    rng: np.random.Generator,
) -> Indices:
    """Draw whole groups so that the classes come as near to ``wanted`` as they can.

    Greedy, as scikit-learn's StratifiedGroupKFold, but for any share: groups in random order,
    large ones first, each taken where that brings the counts nearer.

    Returns:
        Positions in ``classes``, ascending; empty where every group is too large.
    """
    numbers, member = np.unique(groups, return_inverse=True)
    counts = np.zeros((len(numbers), len(wanted)))
    np.add.at(counts, (member, classes), 1)
    order = rng.permutation(len(numbers))
    order = order[np.argsort(-counts[order].sum(axis=1), kind="stable")]
    taken, missing = np.zeros(len(numbers), bool), wanted.astype(np.float64)
    for group in order:
        after = missing - counts[group]
        if (after**2).sum() < (missing**2).sum():
            taken[group], missing = True, after
    return np.flatnonzero(taken[member])


def _classes(source: SourceData) -> NDArray[np.int64]:
    """Class of each sample; one and the same where there are none."""
    return source.labels if source.labels is not None else np.zeros(len(source), np.int64)


def _require_two_of_each(source: SourceData, classes: NDArray[np.int64]) -> None:
    counts = np.bincount(classes, minlength=len(source.classes))
    single = [
        f"{name!r}" for name, count in zip(source.classes, counts, strict=False) if count == 1
    ]
    if single:
        raise SourceError(
            f"{source.where}: {_plural(single, 'class', 'classes')} with one sample to draw splits "
            f"from: {_some(single)}; expected at least 2 of each, for training and for validation "
            "or test; add samples, merge the class or remove it"
        )


def _require_whole_groups(source: SourceData, groups: Indices, splits: NDArray[Any]) -> None:
    pairs = set(zip(groups.tolist(), splits.tolist(), strict=True))
    torn = sorted(
        group for group, count in Counter(group for group, _ in pairs).items() if count > 1
    )
    if torn:
        examples = [source.ids[int(np.argmax(groups == group))] for group in torn[:EXAMPLES]]
        raise SourceError(
            f"{source.where}: {len(torn)} groups lie in more than one of the splits that the "
            f"source gives, for example those of samples {', '.join(examples)}; expected each in "
            "one; mend the split column, or set data.source.group: null"
        )


def _require_trainable(
    source: SourceData, splits: NDArray[Any], classes: NDArray[np.int64]
) -> None:
    """Hold that no split is empty and that training sees every class."""
    for split in ("train", *DRAWN):
        if split not in splits:
            raise SourceError(
                f"{source.where}: no sample is left for {split} of {len(splits)}; expected some in "
                "each split; supply more samples (or smaller groups), or change data.splits"
            )
    trained = set(classes[splits == "train"].tolist())
    unseen = [repr(source.classes[number]) for number in sorted(set(classes.tolist()) - trained)]
    if unseen:
        raise SourceError(
            f"{source.where}: {_plural(unseen, 'class', 'classes')} without a training sample: "
            f"{_some(unseen)}; expected each class there; supply more samples (or smaller groups), "
            "or change data.splits"
        )


def _plural(items: Sequence[str], one: str, many: str) -> str:
    return f"{len(items)} {one if len(items) == 1 else many}"


def _some(items: Sequence[str]) -> str:
    return ", ".join(items[:EXAMPLES]) + (", ..." if len(items) > EXAMPLES else "")
