"""Single samples, as other stages chose and stored them: worst, under noise, nearest copies."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from aepipe.data.dataset import UNLABELLED, Dataset
from aepipe.data.parts import Array
from aepipe.reporting.exhibits import Strip, array, beside, strip
from aepipe.reporting.formats import condition, label, metric
from aepipe.reporting.metrics import Metrics
from aepipe.reporting.pictures import limits, picture


def stored(evaluation: Path, entry: str, kind: str) -> Array | None:
    """Read ``NAME/ENTRY.KIND.npy``; None where the representation has no way back."""
    path = next(iter(sorted(evaluation.glob(f"*/{entry}{kind}.npy"))), None)
    return None if path is None else array(path)


def worst_cases(dataset: Dataset, evaluation: Path, metrics: Metrics) -> list[Strip]:
    """Show each representation's worst reconstructions, the best representation first."""
    errors = {
        entry: figures["squared_error"]
        for entry, figures in metrics.representations.items()
        if "squared_error" in figures
    }
    strips: list[Strip] = []
    for entry in sorted(errors, key=lambda each: errors[each]):
        pair = stored(evaluation, entry, ".worst")
        if pair is None:
            continue
        originals, rebuilt = pair
        shades = limits(dataset, originals)
        png = (
            picture(dataset, pair, shades)
            if dataset.is_image
            else beside(dataset, rebuilt, originals, shades)
        )
        size = np.square(originals[0] - rebuilt[0]).sum(dtype=np.float64)
        note = f"largest squared error {metric('squared_error', float(size))}"
        told = f"The {len(originals)} test samples that {label(entry)} reconstructs worst, {note}"
        strips.append(strip(label(entry), note, png, told))
    return strips


def under_noise(
    dataset: Dataset, evaluation: Path, raw: str | None, metrics: Metrics, names: Sequence[str]
) -> dict[str, list[Strip]]:
    """Show by condition what the first test samples look like, and what each model makes of them.

    Args:
        dataset: says what a sample is.
        evaluation: folder with ``NAME/ENTRY.noisy.npy``.
        raw: entry of raw features; without it there are no originals, so there is nothing to show.
        metrics: of the comparison.
        names: of the conditions, in the order of the arrays.
    """
    shown = None if raw is None else stored(evaluation, raw, ".noisy")
    originals = None if raw is None else stored(evaluation, raw, "")
    if shown is None or originals is None:
        return {}
    shades = limits(dataset, originals)
    rebuilt = {
        entry: noisy
        for entry in metrics.representations
        if entry != raw and (noisy := stored(evaluation, entry, ".noisy")) is not None
    }
    count = len(originals)
    clean = strip(
        "clean", "", picture(dataset, originals[None], shades), f"{count} test samples as they are"
    )
    found: dict[str, list[Strip]] = {}
    for place, name in enumerate(names):
        said = condition(name)
        png = beside(dataset, shown[place], originals, shades)
        strips = [clean, strip(said, "", png, f"The same {count} samples with {said}")]
        for entry, noisy in rebuilt.items():
            png = beside(dataset, noisy[place], originals, shades)
            error = metrics.representations[entry].get(f"robust_squared_error_{name}")
            note = "" if error is None else f"error {metric('squared_error', error)}"
            told = f"The same {count} samples with {said} as {label(entry)} reconstructs them"
            strips.append(strip(label(entry), note, png, told))
        found[said] = strips
    return found


def copies(dataset: Dataset, appraisal: Path) -> dict[str, list[Strip]]:
    """Show by network samples that it drew above the training samples nearest to them.

    Args:
        dataset: says what a sample is.
        appraisal: folder with ``NAME/first.npy`` and ``NAME/closest.npy``; a network that was not
            appraised has neither.
    """
    kinds = {
        "first": ("the first drawn", "The first samples that {} drew"),
        "closest": ("the closest", "Those samples of {} that lie closest to training samples"),
    }
    found: dict[str, list[Strip]] = {}
    for folder in sorted(path for path in appraisal.glob("*") if path.is_dir()):
        for kind, (title, told) in kinds.items():
            if not (folder / f"{kind}.npy").is_file():
                continue
            drawn, nearest = array(folder / f"{kind}.npy")
            shades = limits(dataset, nearest)
            png = (
                picture(dataset, np.stack([drawn, nearest]), shades)
                if dataset.is_image
                else beside(dataset, drawn, nearest, shades)
            )
            words = f"{told.format(label(folder.name))}, and the training samples nearest to them"
            found.setdefault(label(folder.name), []).append(strip(title, "", png, words))
    return found


def first_of_each_class(dataset: Dataset, count: int, classes: int) -> list[Strip]:
    """Show the first training samples of at most so many classes, or of all where none has a label.

    Args:
        dataset: says what a sample is.
        count: samples of a class, at most.
        classes: that are shown, at most.
    """
    labels = dataset.labels("train")
    kinds = dict(enumerate(dataset.classes[:classes])) or {UNLABELLED: "training samples"}
    strips: list[Strip] = []
    features = dataset.features("train")
    for number, name in kinds.items():
        chosen = np.flatnonzero(labels == number)[:count]
        if len(chosen):
            samples = dataset.scaled(features.rows(chosen))
            png = picture(dataset, samples[None], limits(dataset, samples))
            strips.append(strip(name, "", png, f"{len(chosen)} training samples of {name}"))
    return strips
