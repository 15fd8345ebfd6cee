"""The pictures of the report: what went in, what came out, what was learned."""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from aepipe.data.dataset import Dataset
from aepipe.data.parts import UNREADABLE, Array
from aepipe.errors import ArtifactError
from aepipe.reporting.formats import label, metric
from aepipe.reporting.metrics import Metrics
from aepipe.reporting.pictures import Limits, curves, filters, limits, picture

FILTERS = 64  # shown of the first layer
WEIGHTS = ("encoder.weight", "network.encoder.weight", "weight")  # of a layer, sparse, of an RBM
PNG_SIZE = slice(16, 24)  # where a PNG's header keeps width and height, 4 bytes each


@final
@dataclass(frozen=True, slots=True)
class Strip:
    """One labelled picture of the page.

    Attributes:
        label: what it is, in a word or two.
        note: a figure about it, or empty.
        source: the picture as a data URI.
        size: width and height in pixels, so that the page doesn't jump while it loads.
        alternative: what a person who does not see it is told.
    """

    label: str
    note: str
    source: str
    size: tuple[int, int]
    alternative: str


def strip(label: str, note: str, png: bytes, alternative: str) -> Strip:
    """Wrap a PNG for the page."""
    width, height = np.frombuffer(png[PNG_SIZE], ">u4").tolist()
    source = "data:image/png;base64," + base64.b64encode(png).decode()
    return Strip(label, note, source, (width, height), alternative)


def reconstructions(
    dataset: Dataset, evaluation: Path, raw: str | None, metrics: Metrics
) -> list[Strip]:
    """Show test samples, and below them what each representation makes of them.

    Args:
        dataset: says what a sample is.
        evaluation: folder with ``NAME/ENTRY.npy``.
        raw: entry of raw features; without it there are no originals, so there is nothing to show.
        metrics: of the comparison.
    """
    if raw is None:
        return []
    originals = array(evaluation / raw / f"{raw}.npy")
    shades = limits(dataset, originals)
    count = len(originals)
    shown = picture(dataset, originals[None], shades)
    strips = [strip("original", "", shown, f"{count} test samples as they are")]
    for entry, figures in metrics.representations.items():
        path = next(iter(sorted(evaluation.glob(f"*/{entry}.npy"))), None)
        if path is None or "squared_error" not in figures:
            continue
        png = beside(dataset, array(path), originals, shades)
        error = metric("squared_error", figures["squared_error"])
        note = f"error {error}, code {figures['code_size']}"
        told = f"The same {count} samples as {label(entry)} reconstructs them"
        strips.append(strip(label(entry), note, png, told))
    return strips


def first_layer(dataset: Dataset, layer: Path, whose: str) -> Strip:
    """Show the filters of a layer that sees the samples, those of the largest norm.

    Args:
        dataset: what the layer sees.
        layer: folder of the trained layer or RBM.
        whose: what the picture's description calls it.

    Raises:
        ArtifactError: the weights are missing, damaged or do not fit the dataset.
    """
    path = layer / "weights.safetensors"
    try:
        stored = safetensors.numpy.load_file(path)
        weights = stored[next((name for name in WEIGHTS if name in stored), WEIGHTS[0])]
    except FileNotFoundError:
        raise ArtifactError(f"{path}: no such file; `dvc checkout` restores it") from None
    except (SafetensorError, KeyError) as error:
        raise ArtifactError(
            f"{path}: no weights of a layer ({error}); `dvc checkout` restores them"
        ) from None
    count = min(FILTERS, len(weights))
    png = filters(weights, dataset.shape, count)
    note = f"{count} of {len(weights)}"
    return strip(whose, note, png, f"{count} filters of {whose}")


def samples(generated: Path) -> Strip:
    """Show draws from the VAE's prior, as ``generate`` drew them."""
    path = generated / "samples.png"
    try:
        return strip("prior samples", "", path.read_bytes(), "Samples decoded from the VAE's prior")
    except FileNotFoundError:
        raise ArtifactError(f"{path}: no such file; `dvc repro generate` makes it") from None


def rebuilt(dataset: Dataset, generated: Path) -> list[Strip]:
    """Show validation samples and below them the VAE's reconstructions."""
    originals, rebuilt = array(generated / "reconstructions.npy")
    shades = limits(dataset, originals)
    return [
        strip("original", "", picture(dataset, originals[None], shades), "Validation samples"),
        strip("VAE", "", beside(dataset, rebuilt, originals, shades), "As the VAE rebuilds them"),
    ]


def array(path: Path) -> Array:
    """Read an array of the pipeline's own.

    Raises:
        ArtifactError: it is missing or damaged.
    """
    try:
        content: Array = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise ArtifactError(
            f"{path}: no such file; `dvc repro` or `dvc checkout` makes it"
        ) from None
    except UNREADABLE as error:
        raise ArtifactError(
            f"{path}: not a readable array ({error}); `dvc checkout` restores it"
        ) from None
    return content


def beside(dataset: Dataset, altered: Array, originals: Array, shades: Limits) -> bytes:
    """Draw a row; curves go on top of the originals, since two curves can't be compared apart."""
    if dataset.is_image:
        return picture(dataset, altered[None], shades)
    shown, behind = (dataset.unscaled(rows)[None] for rows in (altered, originals))
    return curves(shown, shades, behind)
