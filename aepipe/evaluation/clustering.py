"""Whether codes fall into clusters that are the classes: k-means, which knows no labels.

Centres are found among training codes, as they are, and test codes belong to the nearest.
"""

import warnings
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from aepipe.data.dataset import UNLABELLED
from aepipe.data.seeds import derive
from aepipe.evaluation.candidates import SEEDS, Labels
from aepipe.evaluation.judge import Court, labelled_codes
from aepipe.evaluation.outcome import Subject
from aepipe.evaluation.uncertainty import BLOCK, Bootstrap, Figure, standard_interval
from aepipe.monitor import Monitor
from aepipe.params.judgements import Clustering

Float64 = NDArray[np.float64]


class ClusteringFigures(TypedDict):
    """Agreement of clusters and classes on test samples: 1 where they are the same.

    Attributes:
        nmi: mutual information over the mean of both entropies (Strehl and Ghosh 2002, JMLR 3:583,
            with the arithmetic mean), at least 0.
        ari: the Rand index adjusted for chance (Hubert and Arabie 1985, Journal of Classification
            2:193), 0 in expectation where they have nothing to do with each other.
    """

    nmi: Figure
    ari: Figure


def clustering_figures(
    subject: Subject, court: Court, config: Clustering, monitor: Monitor
) -> ClusteringFigures | None:
    """Find as many clusters as the training samples have classes; None for fewer than two.

    From at most ``probes.rows`` labelled training samples, whose labels are only counted.
    """
    train = labelled_codes(subject, court, "train")
    labels = court.dataset.labels("test")
    known = np.flatnonzero(labels != UNLABELLED)
    classes = len(np.unique(train.labels))
    if classes < 2 or not len(known):
        monitor.remark(f"no clustering: {classes} classes in train, {len(known)} labels in test")
        return None
    model = KMeans(
        classes,
        n_init=config.initialisations,
        random_state=derive(court.seed, "clustering") % SEEDS,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct codes than clusters
        model.fit(train.codes)
    found = [model.predict(subject.encode(batch)) for batch in court.batches("test", known)]
    return agreement(np.concatenate(found), labels[known], court.bootstrap)


def agreement(clusters: Labels, labels: Labels, bootstrap: Bootstrap) -> ClusteringFigures:
    """Give both figures, with the normal intervals of their bootstrap's standard errors.

    Samples drawn with replacement agree with their own copies, which lifts both figures in every
    resample; so the resamples give the width of the interval and not its place.

    Args:
        clusters: ``(samples,)``, numbers from 0.
        labels: of the same samples, numbers from 0.
        bootstrap: how many resamples.
    """
    table = np.zeros((int(clusters.max()) + 1, int(labels.max()) + 1))
    np.add.at(table, (clusters, labels), 1)
    rng = np.random.default_rng(bootstrap.seed)
    at_once = max(1, BLOCK // table.size)
    parts: list[Float64] = []
    for start in range(0, bootstrap.resamples, at_once):
        count = min(at_once, bootstrap.resamples - start)
        # the samples of a resample matter through the cells that they fall into alone
        drawn = rng.multinomial(len(labels), table.ravel() / len(labels), size=count)
        tables = drawn.reshape(count, *table.shape).astype(np.float64)
        parts.append(np.stack([mutual_information(tables), adjusted_rand(tables)]))
    nmi_error, ari_error = np.concatenate(parts, axis=1).std(axis=1)
    nmi, ari = float(mutual_information(table)), float(adjusted_rand(table))
    return {
        "nmi": standard_interval(nmi, float(nmi_error), bootstrap.confidence),
        "ari": standard_interval(ari, float(ari_error), bootstrap.confidence),
    }


def mutual_information(tables: Float64) -> Float64:
    """Give the normalised mutual information of ``(..., clusters, classes)`` counts.

    Both on one side, or all in one cell: 1, as the partitions are the same.
    """
    shares = tables / tables.sum(axis=(-2, -1), keepdims=True)
    joint = _entropy(shares, (-2, -1))
    rows = _entropy(shares.sum(axis=-1), (-1,))
    columns = _entropy(shares.sum(axis=-2), (-1,))
    mean = (rows + columns) / 2
    information = np.maximum(rows + columns - joint, 0.0)  # rounding takes a 0 below 0
    return np.where(mean > 0, information / np.where(mean > 0, mean, 1.0), 1.0)


def adjusted_rand(tables: Float64) -> Float64:
    """Give the adjusted Rand index of ``(..., clusters, classes)`` counts."""
    pairs = _pairs(tables).sum(axis=(-2, -1))
    rows = _pairs(tables.sum(axis=-1)).sum(axis=-1)
    columns = _pairs(tables.sum(axis=-2)).sum(axis=-1)
    expected = rows * columns / np.maximum(_pairs(tables.sum(axis=(-2, -1))), 1.0)
    span = (rows + columns) / 2 - expected
    # without any span both partitions are all in one, or all apart
    return np.where(span > 0, (pairs - expected) / np.where(span > 0, span, 1.0), 1.0)


def _entropy(shares: Float64, axes: tuple[int, ...]) -> Float64:
    logs = np.log(np.where(shares > 0, shares, 1.0))
    entropy: Float64 = -(shares * logs).sum(axis=axes)
    return entropy


def _pairs(counts: Float64) -> Float64:
    return counts * (counts - 1) / 2
