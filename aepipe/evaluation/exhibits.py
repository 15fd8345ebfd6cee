"""What the page shows of single samples: examples under noise, worst cases, a map of the codes.

The test split is read by ``evaluate`` alone, so what there is to be seen of it is drawn here, and
lies beside the figures.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aepipe.data.dataset import SPLITS, UNLABELLED, Split
from aepipe.data.parts import Array, Parts
from aepipe.data.seeds import derive
from aepipe.evaluation.judge import Court
from aepipe.evaluation.outcome import Outcome, Subject
from aepipe.evaluation.reconstruction import squared_errors
from aepipe.evaluation.sampling import stratified

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Rebuild = Callable[[Float32], Float32]

# Samples on the map: points that the eye still tells apart, and pictures that a page can carry.
ON_MAP: dict[Split, int] = {"train": 400, "valid": 200, "test": 400}


def write_examples(
    stem: Path, rebuild: Rebuild, outcome: Outcome, court: Court, count: int
) -> None:
    """Write reconstructions as float32 arrays in scaled units.

    ``STEM.npy`` has the first ``count`` test samples, ``(count, *shape)``; ``STEM.noisy.npy`` the
    same ones under each condition, ``(conditions, count, *shape)``; ``STEM.worst.npy`` those of
    the largest squared error, the largest first, below their originals, ``(2, count, *shape)``.

    Args:
        stem: folder and entry.
        rebuild: from scaled samples to reconstructions; of raw features, the samples themselves.
        outcome: whose squared errors say which are worst; where it has none, there are no worst.
        court: with the test split and its corrupted versions.
        count: at most; the test split may be smaller.
    """
    first = court.test_rows[:count]
    _save(stem, "", rebuild(_rows(court, "test", first)))
    noisy = [Parts(court.corrupted / name / "test").rows(first) for name in court.conditions()]
    if noisy:
        _save(stem, ".noisy", np.stack([rebuild(shown) for shown in noisy]))
    if outcome.squared_error is not None:
        worst = np.argsort(-outcome.squared_error, kind="stable")[:count]
        originals = _rows(court, "test", worst)
        _save(stem, ".worst", np.stack([originals, rebuild(originals)]))


def write_map_samples(stem: Path, court: Court) -> None:
    """Write the samples of every map, as the source has them, to ``STEM.map.npy``."""
    chosen = map_rows(court)
    rows = [court.dataset.features(split).rows(chosen[split]) for split in SPLITS]
    _save(stem, ".map", np.concatenate(rows))


def map_rows(court: Court) -> dict[Split, NDArray[np.int64]]:
    """Choose the samples of the map, each class in proportion: the same for all representations."""
    return {
        split: stratified(
            court.dataset.labels(split) - UNLABELLED,  # samples without a label are a class too
            ON_MAP[split],
            derive(court.seed, f"map/{split}"),
        )
        for split in SPLITS
    }


def map_codes(entry: str, subject: Subject, court: Court) -> tuple[pd.DataFrame, dict[str, float]]:
    """Put samples of all three splits on a plane.

    Codes of one or two features are their own coordinates; of larger codes the first two principal
    axes are shown, fitted to the training samples.

    Returns:
        One row for each sample, by split (:class:`aepipe.data.contracts.MapPoints`); and the
        ``share`` of the training codes' variance that lies in the plane.
    """
    tables: list[pd.DataFrame] = []
    codes: list[Float64] = []
    for split, chosen in map_rows(court).items():
        samples = _rows(court, split, chosen)
        codes.append(subject.encode(samples))
        errors = np.full(len(chosen), np.nan)
        if subject.decode is not None:
            errors = squared_errors(samples, subject.decode(codes[-1]))
        columns = {
            "entry": entry,
            "id": court.dataset.ids(split)[chosen],
            "split": split,
            "label": court.dataset.labels(split)[chosen],
            "squared_error": errors,
        }
        tables.append(pd.DataFrame(columns))
    places, share = plane(codes[0], np.concatenate(codes))
    table = pd.concat(tables, ignore_index=True)
    return table.assign(x=places[:, 0], y=places[:, 1]), {"share": share}


def plane(fitted: Float64, codes: Float64) -> tuple[Float64, float]:
    """Give two coordinates of ``codes``, ``(n, 2)``, and the share of variance that they keep.

    Args:
        fitted: ``(m, code_size)``, whose principal axes are taken.
        codes: ``(n, code_size)``.
    """
    size = codes.shape[1]
    if size <= 2:
        return np.pad(codes, ((0, 0), (0, 2 - size))), 1.0
    mean = fitted.mean(axis=0)
    _, lengths, axes = np.linalg.svd(fitted - mean, full_matrices=False)
    axes = axes[:2]
    largest = np.abs(axes).argmax(axis=1)  # its entry is positive, or the sign would be chance
    axes = axes * np.sign(axes[np.arange(len(axes)), largest])[:, None]
    places = (codes - mean) @ axes.T
    total = float(np.square(lengths).sum())
    share = float(np.square(lengths[:2]).sum()) / total if total > 0 else 1.0
    return np.pad(places, ((0, 0), (0, 2 - places.shape[1]))), share


def _rows(court: Court, split: Split, rows: Array) -> Float32:
    return court.dataset.scaled(court.dataset.features(split).rows(rows))


def _save(stem: Path, kind: str, samples: Array) -> None:
    stored = samples.astype(np.float32) if samples.dtype.kind == "f" else samples
    np.save(stem.with_name(f"{stem.name}{kind}.npy"), stored, allow_pickle=False)
