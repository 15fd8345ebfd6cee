"""Retrieval with codes: training samples in the order of their cosine with a test sample's code.

Hinton and Salakhutdinov (2006), Science 313:504, retrieved documents so. A retrieved sample is
relevant where it has the class of the query. Samples of equal cosine keep their order.
"""

import numpy as np
from numpy.typing import NDArray

from aepipe.data.dataset import UNLABELLED
from aepipe.data.parts import Array
from aepipe.errors import ParamsError
from aepipe.evaluation.judge import Court, labelled_codes
from aepipe.evaluation.outcome import Subject
from aepipe.evaluation.uncertainty import Figure, percentile_interval, resampled_means
from aepipe.monitor import Monitor
from aepipe.params.judgements import Retrieval

Float64 = NDArray[np.float64]
PAIRS = 2**21  # of query and sample held at once, 16 MB for each array; memory, not results


def retrieval_figures(
    subject: Subject, court: Court, config: Retrieval, monitor: Monitor
) -> dict[str, Figure] | None:
    """Give ``precision_at_K`` for each declared K, and ``mean_average_precision``.

    Means over labelled test samples, each a query; None where there are none, or none to retrieve.

    Raises:
        ParamsError: more samples are to be retrieved than there are.
    """
    base = labelled_codes(subject, court, "train")
    labels = court.dataset.labels("test")
    known = np.flatnonzero(labels != UNLABELLED)
    if not len(known) or not len(base.labels):
        monitor.remark(
            f"no retrieval: {len(known)} test samples and {len(base.labels)} training samples have "
            "a label"
        )
        return None
    if max(config.at) > len(base.labels):
        raise ParamsError(
            f"evaluate.further.retrieval.at: {max(config.at)} is more than the {len(base.labels)} "
            "labelled training samples to retrieve from; lower it, or raise evaluate.probes.rows"
        )
    directions, found, start = unit_length(base.codes), [], 0
    for batch in court.batches("test", known):
        wanted = labels[known[start : start + len(batch)]]
        queries = unit_length(subject.encode(batch))
        found.append(precisions(queries, wanted, directions, base.labels, config.at))
        start += len(batch)
    values = np.concatenate(found)
    names = [*(f"precision_at_{count}" for count in config.at), "mean_average_precision"]
    resampled = resampled_means(values, court.bootstrap)
    return {
        name: percentile_interval(
            float(values[:, place].mean()), resampled[:, place], court.bootstrap.confidence
        )
        for place, name in enumerate(names)
    }


def precisions(
    queries: Float64, wanted: Array, base: Float64, labels: Array, at: tuple[int, ...]
) -> Float64:
    """Give precision at each of ``at``, and average precision, of each query.

    Average precision is the mean of the precisions at the places of relevant samples, over all that
    there are; 0 where there are none.

    Args:
        queries: unit codes ``(n, units)``.
        wanted: class of each query, ``(n,)``.
        base: unit codes ``(m, units)``.
        labels: classes of ``base``, ``(m,)``.
        at: numbers of samples retrieved, at most ``m``.

    Returns:
        ``(n, len(at) + 1)``.
    """
    places = np.arange(1, len(base) + 1)
    rows = max(1, PAIRS // len(base))
    values = np.empty((len(queries), len(at) + 1))
    for start in range(0, len(queries), rows):
        block = slice(start, start + rows)
        order = np.argsort(-(queries[block] @ base.T), axis=1, kind="stable")
        relevant = labels[order] == wanted[block, None]
        precision = np.cumsum(relevant, axis=1) / places
        values[block, :-1] = precision[:, np.array(at) - 1]
        total = np.maximum(relevant.sum(axis=1), 1)
        values[block, -1] = (precision * relevant).sum(axis=1) / total
    return values


def unit_length(codes: Float64) -> Float64:
    """Scale each code to length 1; one of zeros stays, and has cosine 0 with all."""
    lengths = np.linalg.norm(codes, axis=1, keepdims=True)
    scaled: Float64 = codes / np.where(lengths > 0, lengths, 1.0)
    return scaled
