"""Areas under receiver operating characteristics, from ranks.

The area is the probability that a positive sample has a larger score than a negative one, a tie
counting one half (Hanley and McNeil 1982, Radiology 143:29): the rank sum of the positives, less
its least possible value, over the number of pairs.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from aepipe.data.parts import Array
from aepipe.evaluation.uncertainty import BLOCK, Bootstrap, Figure, figure, percentile_interval

Float64 = NDArray[np.float64]
UNITS = 64  # ranked at once; memory, not results


def unit_areas(codes: Array, labels: Array, classes: Array) -> Float64:
    """Give the area of each unit as a detector of each class, ``(classes, units)``.

    Costs O(n log n) for each unit, whatever the number of classes.

    Args:
        codes: ``(n, units)``.
        labels: ``(n,)``.
        classes: numbers, each with a sample among ``labels``; at least two of them.
    """
    members = (labels == classes[:, None]).astype(np.float64)  # (classes, n)
    positives = members.sum(axis=1, keepdims=True)
    sums = [
        members @ rankdata(codes[:, start : start + UNITS], axis=0)
        for start in range(0, codes.shape[1], UNITS)
    ]
    above = np.concatenate(sums, axis=1) - positives * (positives + 1) / 2
    areas: Float64 = above / (positives * (len(codes) - positives))
    return areas


def resampled_areas(scores: Array, positive: Array, bootstrap: Bootstrap) -> Float64:
    """Give the areas of samples drawn with replacement, ``(resamples,)``; NaN where one side lacks.

    The same samples are drawn as for means of as many samples.

    Args:
        scores: ``(n,)``.
        positive: of bool, ``(n,)``.
        bootstrap: how many, and the seed.
    """
    rng = np.random.default_rng(bootstrap.seed)
    values, rank = np.unique(scores, return_inverse=True)
    samples, at_once = len(scores), max(1, BLOCK // len(scores))
    areas = np.empty(bootstrap.resamples)
    for start in range(0, bootstrap.resamples, at_once):
        count = min(at_once, bootstrap.resamples - start)
        drawn = rng.integers(samples, size=(count, samples))
        cell = rank[drawn] + len(values) * np.arange(count)[:, None]
        size = count * len(values)
        above, below = (
            np.bincount(cell[side[drawn]], minlength=size).reshape(count, -1)
            for side in (positive, ~positive)
        )
        beaten = np.cumsum(below, axis=1) - below / 2  # negatives below a score, half of the equal
        pairs = above.sum(axis=1) * below.sum(axis=1)
        won = (above * beaten).sum(axis=1)
        areas[start : start + count] = np.where(pairs > 0, won / np.maximum(pairs, 1), np.nan)
    return areas


def area_figure(scores: Array, positive: Array, bootstrap: Bootstrap) -> Figure:
    """Give the area of ``scores``, ``(n,)``, with its interval; both sides have a sample."""
    return interval(area(scores, positive), resampled_areas(scores, positive, bootstrap), bootstrap)


def area(scores: Array, positive: Array) -> float:
    """Give the area of ``scores``, ``(n,)``; both sides have a sample."""
    return float(unit_areas(scores[:, None], positive, np.array([True]))[0, 0])


def interval(value: float, resampled: Float64, bootstrap: Bootstrap) -> Figure:
    """Give ``value`` with the percentile interval of those resamples that have an area."""
    there = resampled[~np.isnan(resampled)]
    if not len(there):
        return figure(value, 0.0, 1.0)  # so few samples tell nothing
    return percentile_interval(value, there, bootstrap.confidence)
