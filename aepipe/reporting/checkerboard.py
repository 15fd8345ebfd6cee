"""Pictures of what convolutional decoders make of random codes, and of its spectrum."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from aepipe.data.dataset import Dataset
from aepipe.data.parts import Array
from aepipe.files import read_description
from aepipe.reporting.exhibits import Strip, array, strip
from aepipe.reporting.formats import label
from aepipe.reporting.pictures import tiles

DECADES = 4  # of power between black and white; the eye tells no more apart in grey
MOMENTS = ("before", "after")


def checkerboards(dataset: Dataset, models: Mapping[str, Path]) -> list[Strip]:
    """Show decoded random codes before and after training, with the energy of the pattern.

    Two strips for each model that draws images by convolutions, whose last tile is the mean
    spectrum (:func:`spectrum`). Images are stretched to their own range, for before training the
    pattern is faint.

    Args:
        dataset: undoes the scaling.
        models: folders by name; those without ``checkerboard.json`` are passed over.

    Raises:
        ArtifactError: a file is missing or damaged.
    """
    strips: list[Strip] = []
    for name, folder in models.items():
        if not (folder / "checkerboard.json").is_file():
            continue
        figures = read_description(folder / "checkerboard.json")
        images, spectra = array(folder / "checkerboard.npy"), array(folder / "spectra.npy")
        for moment, outputs, power in zip(MOMENTS, images, spectra, strict=True):
            note = (
                f"{figures[moment]:.1%} of energy at period {figures['stride']}; samples have "
                f"{figures['samples']:.1%}, white noise {figures['chance']:.1%}"
            )
            told = f"Random codes decoded by {label(name)} {moment} training, and their spectrum"
            png = with_spectrum(dataset.unscaled(outputs), power)
            strips.append(strip(f"{label(name)}, {moment} training", note, png, told))
    return strips


def with_spectrum(images: Array, power: Array) -> bytes:
    """Draw images ``(n, channels, height, width)`` in a row and their spectrum after them; PNG."""
    low, high = float(images.min()), float(images.max())
    stretched = (images - low) / (high - low if high > low else 1.0)
    last = np.broadcast_to(spectrum(power), stretched.shape[1:])
    return tiles(np.concatenate([stretched, last[None]])[None], (0.0, 1.0))


def spectrum(power: Array) -> Array:
    """Turn the power at each frequency, ``(height, width)``, into grey levels in [0, 1].

    Frequency 0 goes to the middle; white is the most power, black :data:`DECADES` decades less.
    """
    most = float(power.max())
    if most == 0:
        return np.zeros_like(power)
    decades = np.log10(np.maximum(power / most, 10.0**-DECADES))
    levels: Array = np.fft.fftshift(decades) / DECADES + 1
    return levels
