"""Walks through the space of codes: strips of their steps, and sliders over all their frames."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from aepipe.data.dataset import Dataset
from aepipe.data.parts import Array
from aepipe.files import read_description
from aepipe.reporting.exhibits import Strip, array, strip
from aepipe.reporting.formats import MINUS
from aepipe.reporting.pictures import Limits, limits, picture
from aepipe.reporting.sprites import Sprite, sprite


@final
@dataclass(frozen=True, slots=True)
class Slider:
    """Walks that one slider goes through together.

    Attributes:
        identifier: unique on the page.
        label: what moves.
        names: of the walks.
        positions: of the slider, in words.
        start: number of the position that is shown first.
        sprite: one row for each walk, one column for each position.
    """

    identifier: str
    label: str
    names: list[str]
    positions: list[str]
    start: int
    sprite: Sprite


@final
@dataclass(frozen=True, slots=True)
class Walks:
    """What ``generate`` left.

    Attributes:
        described: content of ``generated.json``.
        shades: what is black and white.
        folder: with the arrays.
    """

    described: dict[str, Any]
    shades: Limits
    folder: Path

    def frames(self, name: str) -> Array:
        """All frames, ``(walks, frames, *shape)``, scaled."""
        return array(self.folder / f"{name}.npy")

    def steps(self, name: str) -> Array:
        """Those frames that a strip shows, ``(walks, steps, *shape)``, scaled."""
        return self.frames(name)[:, :: self.described["frames_per_step"]]


def open_walks(dataset: Dataset, generated: Path) -> Walks:
    """Read what all walks have in common.

    Raises:
        ArtifactError: a file is missing or damaged.
    """
    described = read_description(generated / "generated.json")
    shades = limits(dataset, array(generated / "reconstructions.npy")[0])
    return Walks(described, shades, generated)


def interpolations(dataset: Dataset, walks: Walks) -> list[Strip]:
    """Show walks between the codes of two validation samples, one strip each."""
    return [
        strip("", "", picture(dataset, row[None], walks.shades), f"Steps of walk {number}")
        for number, row in enumerate(walks.steps("interpolations"), start=1)
    ]


def traversals(dataset: Dataset, walks: Walks) -> list[Strip]:
    """Show one latent dimension moved through the prior, one strip each, the most telling first."""
    described = walks.described
    divergence, activity = described["divergence"], described["activity"]
    known = len(divergence) == len(activity)  # else it is not told apart by dimension
    strips: list[Strip] = []
    dimensions = described["traversal_dimensions"]
    for row, dimension in zip(walks.steps("traversals"), dimensions, strict=True):
        says = (
            f"KL {divergence[dimension]:.2f} nats"
            if known
            else f"variance {activity[dimension]:.2f}"
        )
        told = f"Latent dimension {dimension} moved through the prior"
        png = picture(dataset, row[None], walks.shades)
        strips.append(strip(f"dimension {dimension}", says, png, told))
    return strips


def sliders(dataset: Dataset, walks: Walks) -> dict[str, Slider]:
    """Give a slider over the interpolations, where there are any, and one over the traversals."""
    found: dict[str, Slider] = {}
    pairs = walks.frames("interpolations")
    if len(pairs):
        way = np.linspace(0, 100, pairs.shape[1])
        found["interpolations"] = Slider(
            identifier="walk-interpolations",
            label="Share of the way",
            names=[f"walk {number}" for number in range(1, len(pairs) + 1)],
            positions=[f"{share:.0f} % of the way" for share in way],
            start=len(way) // 2,
            sprite=sprite(dataset, dataset.unscaled(pairs), walks.shades),
        )
    rows, far = walks.frames("traversals"), walks.described["traversal_range"]
    found["traversals"] = Slider(
        identifier="walk-traversals",
        label="Standard deviations of the prior",
        names=[f"dimension {number}" for number in walks.described["traversal_dimensions"]],
        positions=[
            f"{place:+.2f} standard deviations".replace("-", MINUS)
            for place in np.linspace(-far, far, rows.shape[1])
        ],
        start=3 * (rows.shape[1] - 1) // 4,  # in the middle all of them are the same
        sprite=sprite(dataset, dataset.unscaled(rows), walks.shades),
    )
    return found
