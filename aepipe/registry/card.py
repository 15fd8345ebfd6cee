"""The model card of a version: data, figures with intervals, baselines, use, limits, loading."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, final

from jinja2 import Environment, StrictUndefined

from aepipe.registry.described import Described
from aepipe.registry.provenance import Provenance
from aepipe.reporting.formats import difference, is_better, label, level, metric, probability

TEMPLATE = Path(__file__).with_name("card.md.jinja")
DESCRIPTION_LENGTH = 5000  # characters that MLflow's database has for a description
SHOWN = ("squared_error", "psnr", "ssim", "explained_variance")  # and accuracies and heads
PREFIXES = ("accuracy_", "head_")


@final
@dataclass(frozen=True, slots=True)
class Row:
    """One figure of the table: the model's, and what the baselines reach."""

    name: str
    value: str
    baselines: list[str]


def model_card(model: Described, provenance: Provenance) -> str:
    """Write the card in Markdown; a function of its arguments alone.

    Args:
        model: as ``registered.json`` describes it.
        provenance: where it comes from.
    """
    environment = Environment(
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - Markdown, not HTML
    )
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    data = model.dataset
    return template.render(
        model=model,
        data=data,
        features=prod(data["shape"]),
        test=model.test,
        level=level(model.test["confidence"]),
        baselines=[label(name) for name in model.baselines],
        tables={entry: list(figure_rows(model, entry)) for entry in model.metrics},
        comparisons=list(comparisons(model)),
        steps=provenance.steps,
        tags=provenance.tags,
    )


def figure_rows(model: Described, entry: str) -> Iterator[Row]:
    """Give a row for each figure that the card shows of ``entry``."""
    for name, value in model.metrics[entry].items():
        if name in SHOWN or name.startswith(PREFIXES):
            interval = model.intervals.get(entry, {}).get(name)
            yield Row(
                name=name.replace("_", " "),
                value=_with_interval(name, value, interval),
                baselines=[_of_baseline(name, one) for one in model.baselines.values()],
            )


def comparisons(model: Described) -> Iterator[str]:
    """Give a sentence for each paired comparison with PCA."""
    for entry, held in model.against_pca.items():
        for name in [key.removesuffix("_difference") for key in held if "_difference" in key]:
            change = held[f"{name}_difference"]
            bounds = (difference(name, held[f"{name}_{end}"]) for end in ("low", "high"))
            better = "better" if is_better(name, change) else "not better"
            yield (
                f"{label(entry)}, {name.replace('_', ' ')}: {better} than "
                f"{label(str(held['pca']))}, by {difference(name, change)} ({' to '.join(bounds)}, "
                f"{probability(held[f'{name}_p_holm'])} after Holm's correction)"
            )


def _of_baseline(name: str, one: Mapping[str, Any]) -> str:
    if name not in one["metrics"]:
        return "-"
    return _with_interval(name, one["metrics"][name], one["intervals"].get(name))


def _with_interval(name: str, value: float, interval: Mapping[str, float] | None) -> str:
    if interval is None:
        return metric(name, value)
    return f"{metric(name, value)} ({metric(name, interval['low'])} to " + (
        f"{metric(name, interval['high'])})"
    )
