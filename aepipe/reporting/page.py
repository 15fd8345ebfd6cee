"""The report as one page that needs nothing else: no network, no clock."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from numpy.typing import NDArray

from aepipe.data.dataset import Dataset
from aepipe.errors import ArtifactError
from aepipe.reporting import formats
from aepipe.reporting.card import Card, Contract
from aepipe.reporting.codemap import CodeMap
from aepipe.reporting.cost import Measured
from aepipe.reporting.curves import label_efficiency, robustness, training
from aepipe.reporting.exhibits import Strip
from aepipe.reporting.findings import findings, is_significant
from aepipe.reporting.forest import against_pca
from aepipe.reporting.judgements import judgements
from aepipe.reporting.metrics import LABELS, Metrics, conditions
from aepipe.reporting.plots import accuracies, explained_variance, tradeoff
from aepipe.reporting.style import STYLE_SHEET, TEMPLATES
from aepipe.reporting.sweeps import SweepShown, value_text
from aepipe.reporting.walks import Slider

CLASSES = 20  # more make a confusion matrix that nobody reads; the largest confusions stay
CONFUSIONS = 5  # largest ones listed
OVER_TRAININGS = ("squared_error", "accuracy_linear", "head_finetuned")  # shown at once
COST = re.compile("(?<=<!-- cost -->\n).*(?=<!-- end of cost -->)", re.DOTALL)  # on the page


@final
@dataclass(frozen=True, slots=True)
class Material:
    """All that the page shows beside the metrics.

    Attributes:
        dataset: what the samples are, and the names of classes.
        card: of the data.
        contracts: that all tables hold.
        params: sections of ``params.yaml``, as YAML.
        seed: of the pipeline.
        digests: checksum of each model, by its name.
        versions: of libraries, as locked.
        traversal_range: standard deviations to which a latent dimension was moved.
        probe_rows: at most so many training samples had each probe.
        pictures: strips by section of the page.
        worst: the worst reconstructions of each representation.
        noisy: strips by condition of corruption.
        walks: sliders, by the section that they stand in.
        copies: samples beside their nearest training samples, by network.
        map: of the codes; None where there are no raw features to show.
        histories: of each training, by title.
        sweeps: those that are declared.
        variances: along every principal axis, falling; empty where there is no PCA.
        confusion: actual and predicted label of each test sample, ``(n, 2)``.
    """

    dataset: Dataset
    card: Card
    contracts: list[Contract]
    params: str
    seed: int
    digests: Mapping[str, str]
    versions: list[str]
    traversal_range: float
    probe_rows: int
    pictures: Mapping[str, list[Strip]]
    worst: list[Strip]
    noisy: Mapping[str, list[Strip]]
    walks: Mapping[str, Slider]
    copies: Mapping[str, list[Strip]]
    map: CodeMap | None
    histories: Mapping[str, list[dict[str, float]]]
    sweeps: list[SweepShown]
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
    names = _names(metrics)
    page: str = (
        _environment(metrics)
        .get_template("report.html")
        .render(
            style=STYLE_SHEET.read_text(encoding="utf-8"),
            script=(TEMPLATES / "report.js").read_text(encoding="utf-8"),
            metrics=metrics,
            findings=[_unbroken(sentence) for sentence in findings(metrics)],
            names=names,
            judgements=judgements(metrics),
            sections=_sections(metrics, material),
            rebuilding=[e for e, f in metrics.representations.items() if "squared_error" in f],
            plots=_plots(metrics, material),
            confusion=_confusion(material),
            measured=None,
            card=material.card,
            map=material.map,
            material=material,
        )
    )
    return page


def with_costs(page: str, metrics: Metrics, measured: Measured) -> str:
    """Give the page with what was measured in its section on cost.

    Raises:
        ArtifactError: the page has no such section.
    """
    section = _environment(metrics).get_template("cost.html")
    text = section.render(metrics=metrics, measured=measured)
    changed, count = COST.subn(lambda _: text, page)
    if count != 1:
        raise ArtifactError(
            "reports/index.html: has no section on cost; `dvc repro report` makes the page again"
        )
    return changed


def _environment(metrics: Metrics) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,  # a typing mistake in the template is an error, not a gap
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "metric": lambda value, name: formats.metric(name, value),
        "deviation": lambda value: formats.significant(value, formats.DEVIATION),
        "seconds": formats.seconds,
        "rate": formats.rate,
        "difference": lambda value, name: formats.difference(name, value),
        "label": formats.label,
        "probe": formats.probe,
        "title": formats.title,
        "level": formats.level,
        "value": value_text,
    }
    environment.tests["better"] = lambda change, name: formats.is_better(name, change)
    environment.tests["significant"] = lambda corrected: is_significant(metrics, corrected)
    return environment


def _sections(metrics: Metrics, material: Material) -> dict[str, str]:
    """Give the title of each section that there is something to show in, by its template's name."""
    names, judged = _names(metrics), judgements(metrics)
    robust = names["robust_accuracy"] or names["robust_squared_error"] or material.noisy
    there = {
        "comparison": ("Comparison", True),
        "reconstruction": ("Reconstruction", names["reconstruction"]),
        "classification": ("Classification", names["accuracy"] or names["heads"]),
        "robustness": ("Robustness", robust),
        "map": ("Map of the codes", material.map is not None),
        "judgements": ("Further judgements", judged),
        "learned": ("What was learned", True),
        "vae": ("VAE", True),
        "training": ("Training", True),
        "sweeps": ("Sweeps", material.sweeps),
        "data": ("Data", True),
        "provenance": ("Provenance", True),
    }
    return {name: title for name, (title, shown) in there.items() if shown}


def _unbroken(sentence: str) -> str:
    """Keep a number and its unit, a p and its value, on one line."""
    return sentence.replace(" %", "\N{NO-BREAK SPACE}%").replace(
        "p = ", "p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}"
    )


def _names(metrics: Metrics) -> dict[str, list[str]]:
    """Give which metrics there are: of reconstruction, probes, labels, heads and robustness."""
    found = dict.fromkeys(n for figures in metrics.representations.values() for n in figures)
    order = ("squared_error", "cross_entropy", "explained_variance", "psnr", "ssim")
    return {
        "reconstruction": [name for name in order if name in found],
        "accuracy": [name for name in found if name.startswith("accuracy_")],
        "labels": [name for name in found if name.startswith(LABELS)],
        "over_trainings": [
            name
            for name in OVER_TRAININGS
            if any(name in held for held in metrics.trainings.values())
        ],
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
        "against_pca": against_pca(metrics),
        "tradeoff": [tradeoff(metrics)] if names["reconstruction"] else [],
        "accuracies": [accuracies(metrics)] if names["accuracy"] or names["heads"] else [],
        "labels": [label_efficiency(metrics)] if names["labels"] else [],
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
