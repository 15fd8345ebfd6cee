"""Which samples the probes learn from: the same for every representation."""

import numpy as np
from numpy.typing import NDArray

from aepipe.data.dataset import UNLABELLED
from aepipe.data.parts import Array


def stratified(labels: Array, limit: int, seed: int) -> NDArray[np.int64]:
    """Choose at most ``limit`` labelled samples, each class in proportion; give their indices.

    Each class gets its share, to within one sample; while there is room, none is left out. The
    choice for a smaller limit is contained in that for a larger one.

    Args:
        labels: ``(samples,)``, -1 where there is none.
        limit: at least 1.
        seed: of the draw.

    Returns:
        Indices in rising order.
    """
    shuffled = np.random.default_rng(seed).permutation(np.flatnonzero(labels != UNLABELLED))
    place = np.empty(len(shuffled))  # of each sample within its class, from 0 to below 1
    for label in np.unique(labels[shuffled]):
        members = np.flatnonzero(labels[shuffled] == label)
        place[members] = np.arange(len(members)) / len(members)
    first = np.argsort(place, kind="stable")[:limit]
    chosen: NDArray[np.int64] = np.sort(shuffled[first])
    return chosen
