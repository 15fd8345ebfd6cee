"""The tables of those judgements that not every pipeline asks for."""

from dataclasses import dataclass
from typing import final

from aepipe.reporting.metrics import Metrics

ABOUT = {  # by the beginning of the metrics' names: the title, and what a reader must know
    "clustering_": (
        "Clusters",
        "Agreement of as many k-means clusters as there are classes with the classes: normalised "
        "mutual information and adjusted Rand index; 1 where they are the same.",
    ),
    "neighbourhood_": (
        "Neighbourhoods",
        "Trustworthiness falls with samples that are near only as codes, continuity with samples "
        "that are near only as they are; 1 where every neighbourhood is kept.",
    ),
    "geometry_": (
        "Geometry of the codes",
        "How many directions the codes use, units that never change or sit at an end of their "
        "range, and how far a code moves with its sample (mean Frobenius norm of the Jacobian).",
    ),
    "retrieval_": (
        "Retrieval",
        "Test samples as queries: how many of the nearest training codes are of the same class.",
    ),
    "anomaly_": ("Anomalies", "Samples called anomalous by their reconstruction error."),
    "concepts_": (
        "Concept units",
        "How well the best single unit tells each class from the rest: mean area under the curve.",
    ),
    "likelihood_": (
        "Likelihood",
        "Of variational networks, in nats per sample: importance-weighted bounds by the number of "
        "draws, and the evidence lower bound with its two parts.",
    ),
    "generation_": (
        "Generation",
        "Draws from the prior against test samples, in the feature space that appraise declares; "
        "beside each figure the same for training samples, to which a perfect model would come. "
        "Memorisation is the probability that a draw lies nearer to the training split than a "
        "test sample does: one half for a model of the data, near 1 for one that copies.",
    ),
    "log_": ("Energy-based models", "In nats per sample; the partition function is estimated."),
}


@final
@dataclass(frozen=True, slots=True)
class Judgement:
    """One table.

    Attributes:
        title: of the judgement.
        about: what its figures mean.
        prefix: of its metrics' names.
        names: of its metrics.
        entries: that have any of them.
    """

    title: str
    about: str
    prefix: str
    names: list[str]
    entries: list[str]


def judgements(metrics: Metrics) -> list[Judgement]:
    """Give a table for each judgement that was made."""
    found: list[Judgement] = []
    for prefix, (title, about) in ABOUT.items():
        held = {
            entry: [name for name in figures if name.startswith(prefix)]
            for entry, figures in metrics.representations.items()
        }
        entries = [entry for entry, names in held.items() if names]
        names = list(dict.fromkeys(name for names in held.values() for name in names))
        if names:
            short = "" if prefix == "log_" else prefix
            found.append(Judgement(title, about, short, names, entries))
    return found
