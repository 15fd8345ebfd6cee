"""Whether neighbours stay neighbours on the way from samples to codes."""

from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from aepipe.data.seeds import derive
from aepipe.errors import ParamsError
from aepipe.evaluation.judge import Court
from aepipe.evaluation.kernel import squared_distances
from aepipe.evaluation.outcome import Subject
from aepipe.evaluation.uncertainty import Figure, bootstrap_mean
from aepipe.params.judgements import Neighbourhood

Float64 = NDArray[np.float64]
Ranks = NDArray[np.int64]


class NeighbourhoodFigures(TypedDict):
    """Venna and Kaski (2001), ICANN, equations 1 and 2; 1 where every neighbourhood is kept.

    Attributes:
        trustworthiness: falls with samples that are near as codes and far as they are.
        continuity: falls with samples that are near as they are and far as codes.
    """

    trustworthiness: Figure
    continuity: Figure


def neighbourhood_figures(
    subject: Subject, court: Court, config: Neighbourhood
) -> NeighbourhoodFigures:
    """Compare the neighbourhoods of the same test samples for every representation.

    Intervals are over the samples whose neighbourhoods are looked at.

    Raises:
        ParamsError: there are too few test samples for so many neighbours.
    """
    order = np.random.default_rng(derive(court.seed, "neighbourhood")).permutation
    rows = np.sort(order(court.test_rows)[: config.rows])
    if len(rows) <= 2 * config.neighbours:
        raise ParamsError(
            f"evaluate.further.neighbourhood.neighbours: {config.neighbours} is not below half of "
            f"the {len(rows)} test samples that are looked at; lower it"
        )
    samples = court.dataset.scaled(court.dataset.features("test").rows(rows))
    before = ranks(samples.reshape(len(rows), -1).astype(np.float64))
    after = ranks(subject.encode(samples))
    kept = preserved(before, after, config.neighbours), preserved(after, before, config.neighbours)
    trustworthiness, continuity = (bootstrap_mean(one, court.bootstrap) for one in kept)
    return {"trustworthiness": trustworthiness, "continuity": continuity}


def ranks(points: Float64) -> Ranks:
    """Give for each pair how near the second is to the first: 1 the nearest, 0 itself.

    Args:
        points: ``(n, features)``; of equally near ones the earlier ranks lower.

    Returns:
        ``(n, n)``.
    """
    distances = squared_distances(points, points)
    np.fill_diagonal(distances, -1.0)
    order = np.argsort(distances, axis=1, kind="stable")
    places = np.empty_like(order)
    np.put_along_axis(places, order, np.arange(len(points))[None, :], axis=1)
    return places


def preserved(before: Ranks, after: Ranks, neighbours: int) -> Float64:
    r"""Give each sample's trustworthiness, ``(n,)``; with both swapped, its continuity.

    .. math:: 1 - \frac{2}{k (2n - 3k - 1)} \sum_{j \in U_k(i)} (r(i, j) - k)

    where :math:`U_k(i)` are the k nearest ``after`` that are not so ``before``, and r their rank
    ``before``.

    Args:
        before: ranks ``(n, n)``.
        after: of the same samples.
        neighbours: k, below half of n.
    """
    count = len(before)
    near = (after >= 1) & (after <= neighbours)
    excess = np.where(near, np.maximum(before - neighbours, 0), 0).sum(axis=1)
    each: Float64 = 1 - 2 * excess / (neighbours * (2 * count - 3 * neighbours - 1))
    return each
