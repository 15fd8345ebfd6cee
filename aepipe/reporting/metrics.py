"""What ``reports/metrics.json`` holds: written by ``compare``, read by everything that shows it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, final

from aepipe.errors import ArtifactError
from aepipe.files import read_json, write_json

OF_ANOMALY = ("accuracy", "precision", "recall", "roc_auc")
FLAT = ("retrieval", "clustering", "neighbourhood", "geometry", "likelihood")  # name and figure
LABELS = "labels_accuracy_"  # and their number
Scalars = dict[str, float]
Interval = dict[str, float]  # low and high
Spread = dict[str, float]  # mean, deviation, low and high
OF_SHAPE = ("code_size", "parameters", "multiply_adds")  # what no seed changes


@final
@dataclass(frozen=True, slots=True)
class Metrics:
    """The comparison in scalars, each of which ``dvc metrics`` can show and compare.

    Attributes:
        test: ``samples`` of the test split, ``confidence`` of every interval, ``comparisons`` over
            which Holm's correction ran, ``pairs`` over which it did for those with the best,
            ``trainings`` of every model.
        representations: by entry, of the first training: ``code_size``, ``parameters``,
            ``multiply_adds`` by which a sample is encoded, ``squared_error``, ``psnr``,
            ``ssim``, ``explained_variance``, ``cross_entropy``, ``accuracy_PROBE``, ``head_NAME``,
            ``robust_accuracy_CONDITION``, ``robust_squared_error_CONDITION``, and what is declared
            under ``evaluate.further``, as its ``JUDGEMENT_FIGURE``: ``labels_accuracy_COUNT``,
            ``clustering_nmi`` (``_ari``), ``neighbourhood_trustworthiness`` (``_continuity``),
            ``geometry_effective_dimension`` (``_dead_units``, ``_saturated_units``,
            ``_jacobian_norm``), ``anomaly_accuracy`` (``_precision``, ``_recall``, ``_roc_auc``),
            ``concepts_area``, ``retrieval_precision_at_K`` (``_mean_average_precision``), of
            variational networks ``likelihood_log_likelihood`` (``_log_likelihood_DRAWS``,
            ``_evidence_lower_bound``, ``_reconstruction``, ``_divergence``, ``_active_units``,
            ``_samples``), and of those that were appraised ``generation_frechet_distance``
            (``_precision``, ``_recall``, ``_density``, ``_coverage``; the same as
            ``generation_training_FIGURE`` for training samples in place of generated ones) and
            ``generation_memorisation``; of an RBM ``log_partition``, ``log_likelihood``,
            ``log_pseudo_likelihood``; what an entry does not have is left out.
        intervals: by entry and the same names: ``low`` and ``high``; counts of units have none.
        against_pca: by entry: ``pca``, the baseline that it is held against, and for the squared
            error and each probe ``NAME_difference`` (the entry's less the baseline's) with
            ``NAME_low``, ``NAME_high``, ``NAME_p_value`` and, Holm-corrected, ``NAME_p_holm``.
        against_best: by entry, and for each of the same figures in which another entry is best:
            ``NAME_best``, that entry, and the difference from it in the same five scalars.
        heads: by entry with a fine-tuned head: its difference from the ``control`` and from
            ``raw``, the best probe on raw features (named by ``raw``), in the same five scalars.
        absent: why a declared representation was not trained, by its name.
        trainings: by entry and name, where there are several trainings: ``mean`` over them,
            ``deviation`` of one, ``low`` and ``high`` of the mean for other seeds; nothing of what
            no seed changes. ``against_pca`` then has ``NAME_trainings``, the number of those that
            are better than PCA.
    """

    test: Scalars
    representations: dict[str, Scalars]
    intervals: dict[str, dict[str, Interval]]
    against_pca: dict[str, dict[str, Any]]
    against_best: dict[str, dict[str, Any]]
    heads: dict[str, dict[str, Any]]
    absent: dict[str, str]
    trainings: dict[str, dict[str, Spread]] = field(default_factory=dict)


def write_metrics(path: Path, metrics: Metrics) -> None:
    """Write ``metrics.json``."""
    write_json(path, asdict(metrics))


def read_metrics(path: Path) -> Metrics:
    """Read ``metrics.json``.

    Raises:
        ArtifactError: it is missing, not JSON, or not what ``compare`` writes.
    """
    content = read_json(path)
    try:
        return Metrics(**content)
    except TypeError as error:
        raise ArtifactError(
            f"{path}: not what stage compare writes ({error}); make it again with "
            "`dvc repro compare`"
        ) from None


def scalars(figures: Mapping[str, Any]) -> tuple[Scalars, dict[str, Interval]]:
    """Flatten the figures of one entry, as ``evaluate`` nests them.

    Returns:
        Values by name, and intervals by name; what is null in ``figures`` is in neither.
    """
    nested: dict[str, Any] = dict(figures["reconstruction"] or {})
    nested |= {f"accuracy_{name}": f for name, f in (figures["accuracy"] or {}).items()}
    nested |= {f"head_{name}": f for name, f in figures["heads"].items()}
    for condition, of_condition in figures["robustness"].items():
        nested |= {f"robust_{name}_{condition}": f for name, f in of_condition.items()}
    nested |= figures.get("energy") or {}
    for judgement in FLAT:
        nested |= {f"{judgement}_{name}": f for name, f in (figures.get(judgement) or {}).items()}
    for count, of_count in (figures.get("labels") or {}).items():
        nested[f"labels_accuracy_{count}"] = of_count["accuracy"]
    generation = figures.get("generation") or {}
    if generation:
        nested |= {f"generation_{name}": f for name, f in generation["generated"].items()}
        nested |= {f"generation_training_{name}": f for name, f in generation["training"].items()}
        nested["generation_memorisation"] = generation["memorisation"]
    if figures.get("concepts"):
        nested["concepts_area"] = figures["concepts"]["mean"]
    anomaly = figures.get("anomaly") or {}
    nested |= {f"anomaly_{name}": anomaly[name] for name in OF_ANOMALY if name in anomaly}
    values: Scalars = {name: figures[name] for name in OF_SHAPE if name in figures}
    intervals: dict[str, Interval] = {}
    for name, figure in nested.items():
        if isinstance(figure, Mapping):
            values[name] = figure["value"]
            intervals[name] = {"low": figure["low"], "high": figure["high"]}
        elif figure is not None:
            values[name] = figure
    return values, intervals


def label_counts(figures: Scalars) -> dict[int, str]:
    """Give the numbers of labels that an entry was tried with, ascending, and their metrics."""
    counts = sorted(int(n.removeprefix(LABELS)) for n in figures if n.startswith(LABELS))
    return {count: f"{LABELS}{count}" for count in counts}


def conditions(metrics: Metrics) -> dict[str, list[float]]:
    """Give the kinds of corruption that were tried, each with its levels, ascending."""
    found: dict[str, set[float]] = {}
    for figures in metrics.representations.values():
        for kind, level in map(condition_of, filter(_is_robust, figures)):
            if level is not None:
                found.setdefault(kind, set()).add(level)
    return {kind: sorted(levels) for kind, levels in found.items()}


def condition_of(name: str) -> tuple[str, float | None]:
    """Split ``robust_FIGURE_KIND_LEVEL`` into kind and level.

    The noise of paired data, ``robust_FIGURE_pairs``, has no level: None.
    """
    condition = name.removeprefix("robust_accuracy_").removeprefix("robust_squared_error_")
    kind, _, level = condition.rpartition("_")
    try:
        return kind, float(level)
    except ValueError:
        return condition, None


def _is_robust(name: str) -> bool:
    return name.startswith("robust_")
