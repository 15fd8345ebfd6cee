"""How like real samples generated ones are, how much of the real there is, and what is copied.

All of it in some space of features, where two samples are alike if they are near each other; other
spaces give other figures.
"""

from collections.abc import Iterable
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from aepipe.data.parts import Array
from aepipe.evaluation.area import area_figure
from aepipe.evaluation.frechet import frechet_figure
from aepipe.evaluation.kernel import ROWS, squared_distances
from aepipe.evaluation.uncertainty import Bootstrap, Figure, bootstrap_mean, wilson

Float64 = NDArray[np.float64]
Float32 = NDArray[np.float32]


class Fidelity(TypedDict):
    """Figures of generated samples against as many real ones; a ball reaches to its k-th neighbour.

    Attributes:
        frechet_distance: of the two clouds; see :mod:`aepipe.evaluation.frechet`.
        precision: share of generated samples in a ball of a real one (Kynkaanniemi et al. 2019,
            NeurIPS, equation 2): how many look real.
        recall: share of real samples in a ball of a generated one: how much of the real is reached.
        density: mean number of real balls around a generated sample over k, which an outlier among
            the real hardly changes; can exceed 1 (Naeem et al. 2020, ICML, equation 3).
        coverage: share of real samples with a generated one in their ball (equation 4).
    """

    frechet_distance: Figure
    precision: Figure
    recall: Figure
    density: Figure
    coverage: Figure


def fidelity(real: Float64, generated: Float64, neighbours: int, bootstrap: Bootstrap) -> Fidelity:
    """Compare features of real and generated samples.

    Intervals of shares and of the density are over the samples that are looked at, the balls taken
    for given.

    Args:
        real: ``(n, features)``.
        generated: ``(m, features)``.
        neighbours: k, below n and m.
        bootstrap: of the interval of the density; its confidence is that of all.
    """
    real_radii, own_radii = radii(real, neighbours), radii(generated, neighbours)
    around: list[Float64] = []  # how many real balls hold each generated sample
    reached = np.zeros(len(real), bool)
    covered = np.zeros(len(real), bool)
    for start in range(0, len(generated), ROWS):
        block = slice(start, start + ROWS)
        distances = squared_distances(generated[block], real)
        inside = distances <= real_radii
        around.append(inside.sum(axis=1).astype(np.float64))
        covered |= inside.any(axis=0)
        reached |= (distances <= own_radii[block, None]).any(axis=0)
    balls, level = np.concatenate(around), bootstrap.confidence
    return {
        "frechet_distance": frechet_figure(real, generated, level),
        "precision": wilson(int((balls > 0).sum()), len(generated), level),
        "recall": wilson(int(reached.sum()), len(real), level),
        "density": bootstrap_mean(balls / neighbours, bootstrap),
        "coverage": wilson(int(covered.sum()), len(real), level),
    }


def radii(points: Float64, neighbours: int) -> Float32:
    """Give each point's squared distance to its k-th nearest other one, ``(n,)``.

    Args:
        points: ``(n, features)``.
        neighbours: k, below n.
    """
    found: list[Float32] = []
    for start in range(0, len(points), ROWS):
        distances = squared_distances(points[start : start + ROWS], points)
        rows = np.arange(len(distances))
        distances[rows, start + rows] = -1.0  # itself comes first
        found.append(np.partition(distances, neighbours, axis=1)[:, neighbours])
    return np.concatenate(found)


def nearest(points: Float64, blocks: Iterable[Array]) -> tuple[Float64, NDArray[np.int64]]:
    """Give each point's squared distance to the nearest row of ``blocks``, and that row's number.

    Args:
        points: ``(n, features)``.
        blocks: of features ``(m, features)`` one after the other; the rows are counted through.
    """
    least = np.full(len(points), np.inf)
    place = np.zeros(len(points), np.int64)
    start = 0
    for block in blocks:
        distances = squared_distances(points, block)
        row = distances.argmin(axis=1)
        found = distances[np.arange(len(points)), row]
        nearer = found < least
        least = np.where(nearer, found, least)
        place = np.where(nearer, start + row, place)
        start += len(block)
    return least, place


def memorisation(generated: Float64, held_out: Float64, bootstrap: Bootstrap) -> Figure:
    """Give the probability that a generated sample is nearer to training than a held-out one is.

    The statistic of Meehan, Chaudhuri and Dasgupta (2020), "A non-parametric test to detect
    data-copying in generative models", AISTATS, without their cells: near 1 the model copies, near
    0 what it generates lies apart from the data; held-out samples of the same kind give one half.

    Args:
        generated: distance of each generated sample to the nearest training sample, ``(m,)``.
        held_out: the same of real samples that the model was not trained on, ``(n,)``.
        bootstrap: of the interval.
    """
    scores = -np.concatenate([generated, held_out])
    return area_figure(scores, np.arange(len(scores)) < len(generated), bootstrap)
