"""Whether the classes of the splits are mixed as in training; figures mislead where not."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from aepipe.data.dataset import UNLABELLED, Dataset, Split
from aepipe.errors import ContractError
from aepipe.monitor import Monitor

JUDGED: tuple[Split, ...] = ("valid", "test")
CHANCE = 1e-4  # that a draw from the same mixture is told apart
VISIBLE = 0.05  # distance below which no figure moves by more than a twentieth


def check_label_shift(dataset: Dataset, limit: float | None, monitor: Monitor) -> None:
    """Warn where a split has the classes in other shares than training.

    Args:
        dataset: as it lies on disk.
        limit: distance beyond which it is refused, where one is declared.
        monitor: is warned, where chance alone would hardly make such a distance.

    Raises:
        ContractError: a split is further from training than ``limit``.
    """
    classes = len(dataset.classes)
    train = class_counts(dataset, "train", classes)
    for split in JUDGED:
        counts = class_counts(dataset, split, classes)
        if not train.sum() or not counts.sum():
            continue
        distance = total_variation(train, counts)
        most = int(np.abs(train / train.sum() - counts / counts.sum()).argmax())
        shares = f"{train[most] / train.sum():.1%} of train and {counts[most] / counts.sum():.1%}"
        text = (
            f"{dataset.folder}: the classes of {split} are not mixed as those of train: distance "
            f"{distance:.3g} (total variation), most in class {dataset.classes[most]!r}, {shares} "
            f"of {split}; divide the data anew, or read figures class by class"
        )
        if limit is not None and distance > limit:
            raise ContractError(f"{text}; data.label_shift allows {limit:g}")
        if distance > VISIBLE and homogeneity(train, counts) < CHANCE:
            monitor.warn(text)


def class_counts(dataset: Dataset, split: Split, classes: int) -> NDArray[np.int64]:
    """Count the labelled samples of each class, ``(classes,)``."""
    labels = dataset.labels(split)
    return np.bincount(labels[labels != UNLABELLED], minlength=classes).astype(np.int64)


def total_variation(first: NDArray[np.int64], second: NDArray[np.int64]) -> float:
    """Give how far two mixtures are apart: 0 for equal shares, 1 for none in common."""
    return float(np.abs(first / first.sum() - second / second.sum()).sum() / 2)


def homogeneity(first: NDArray[np.int64], second: NDArray[np.int64]) -> float:
    """Give the chance of counts as far apart as these from one mixture: Pearson's chi-squared."""
    table = np.stack([first, second])[:, (first + second) > 0].astype(float)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    statistic = float(((table - expected) ** 2 / expected).sum())
    freedom = table.shape[1] - 1
    return float(chdtrc(freedom, statistic)) if freedom else 1.0
