"""The report as one page that needs nothing else: no network, no script, no clock."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from numpy.typing import NDArray

from aepipe.data.dataset import SPLITS, Dataset
from aepipe.reporting import formats
from aepipe.reporting.curves import robustness, training
from aepipe.reporting.exhibits import Strip
from aepipe.reporting.findings import findings, is_significant
from aepipe.reporting.metrics import Metrics, conditions
from aepipe.reporting.plots import accuracies, explained_variance, tradeoff

CLASSES = 20  # more make a confusion matrix that nobody reads; the largest confusions stay
CONFUSIONS = 5  # largest ones listed


@final
@dataclass(frozen=True, slots=True)
class Material:
    """All that the page shows beside the metrics.

    Attributes:
        dataset: for its card and for the names of classes.
        params: sections of ``params.yaml``, as YAML.
        traversal_range: standard deviations to which a latent dimension was moved.
        probe_rows: at most so many training samples had each probe.
        pictures: strips by section of the page.
        histories: of each training, by title.
        variances: along every principal axis, falling; empty where there is no PCA.
        confusion: actual and predicted label of each test sample, ``(n, 2)``.
    """

    dataset: Dataset
    params: str
    traversal_range: float
    probe_rows: int
    pictures: Mapping[str, list[Strip]]
    histories: Mapping[str, list[dict[str, float]]]
    variances: NDArray[np.float64]
    confusion: NDArray[np.int64]


@final
@dataclass(frozen=True, slots=True)
class Confusion:
    """The confusion matrix and what stands out in it.

    Attributes:
        classes: names, in the order of ``rows``; empty where there are too many to show.
        rows: counts, actual by predicted.
        largest: sentences on the most frequent confusions.
    """

    classes: list[str]
    rows: list[list[int]]
    largest: list[str]


def render(metrics: Metrics, material: Material) -> str:
    """Give the page; equal metrics and material give equal bytes."""
    folder = Path(__file__).parent
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,  # a typing mistake in the template is an error, not a gap
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "metric": lambda value, name: formats.metric(name, value),
        "difference": lambda value, name: formats.difference(name, value),
        "label": formats.label,
        "probe": formats.probe,
        "level": formats.level,
    }
    environment.tests["better"] = lambda change, name: formats.is_better(name, change)
    environment.tests["significant"] = lambda corrected: is_significant(metrics, corrected)
    page: str = environment.get_template("report.html").render(
        style=(folder / "report.css").read_text(encoding="utf-8"),
        metrics=metrics,
        findings=[_unbroken(sentence) for sentence in findings(metrics)],
        names=_names(metrics),
        plots=_plots(metrics, material),
        confusion=_confusion(material),
        card=_card(material.dataset),
        material=material,
    )
    return page


def _unbroken(sentence: str) -> str:
    """Keep a number and its unit, a p and its value, on one line."""
    return sentence.replace(" %", "\N{NO-BREAK SPACE}%").replace(
        "p = ", "p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}"
    )


def _names(metrics: Metrics) -> dict[str, list[str]]:
    """Give which metrics there are: of reconstruction, of probes, of heads, of robustness."""
    found = dict.fromkeys(n for figures in metrics.representations.values() for n in figures)
    order = ("squared_error", "explained_variance", "psnr", "ssim")
    return {
        "reconstruction": [name for name in order if name in found],
        "accuracy": [name for name in found if name.startswith("accuracy_")],
        "heads": [name for name in found if name.startswith("head_")],
        "robust_accuracy": [name for name in found if name.startswith("robust_accuracy_")],
        "robust_squared_error": [n for n in found if n.startswith("robust_squared_error_")],
    }


def _plots(metrics: Metrics, material: Material) -> dict[str, list[str]]:
    names = _names(metrics)
    figures = [("accuracy", "accuracy_linear"), ("squared_error", "squared_error")]
    has = {name for values in metrics.representations.values() for name in values}
    sizes = [
        int(values["code_size"])
        for entry, values in metrics.representations.items()
        if formats.is_pca(entry)
    ]
    return {
        "tradeoff": [tradeoff(metrics)] if names["reconstruction"] else [],
        "accuracies": [accuracies(metrics)] if names["accuracy"] or names["heads"] else [],
        "robustness": [
            robustness(metrics, kind, levels, figure)
            for kind, levels in conditions(metrics).items()
            for figure, clean in figures
            if clean in has
        ],
        "training": [training(title, history) for title, history in material.histories.items()],
        "variance": [explained_variance(material.variances, sizes)] if len(sizes) else [],
    }


def _confusion(material: Material) -> Confusion:
    names = material.dataset.classes
    counts = np.zeros((len(names), len(names)), np.int64)
    np.add.at(counts, tuple(material.confusion.T), 1)
    wrong = counts * (1 - np.eye(len(names), dtype=np.int64))
    order = np.argsort(-wrong, axis=None, kind="stable")[:CONFUSIONS]
    largest = [
        f"{names[actual]} taken for {names[predicted]} ({wrong[actual, predicted]})"
        for actual, predicted in zip(*np.unravel_index(order, wrong.shape), strict=True)
        if wrong[actual, predicted]
    ]
    if not len(material.confusion) or len(names) > CLASSES:
        return Confusion([], [], largest)
    return Confusion(names, counts.tolist(), largest)


def _card(dataset: Dataset) -> dict[str, Any]:
    """Give what the data card shows: counts by split and class."""
    labels = {split: dataset.labels(split) for split in SPLITS}
    return {
        "by_class": [
            (name, [int((labels[split] == number).sum()) for split in SPLITS])
            for number, name in enumerate(dataset.classes)
        ],
        "unlabelled": [int((labels[split] < 0).sum()) for split in SPLITS],
        "shape": " x ".join(map(str, dataset.shape)),
        "splits": [(split, dataset.counts[split]) for split in SPLITS],
    }
