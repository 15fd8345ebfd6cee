"""The map of the codes: samples on a plane, one plane for each representation, and their pictures.

The page draws one of them, which needs no script, and carries the coordinates of all.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aepipe.data.dataset import Dataset
from aepipe.data.parts import Array
from aepipe.files import read_json
from aepipe.reporting.exhibits import array
from aepipe.reporting.formats import label, metric, percent
from aepipe.reporting.metrics import Metrics
from aepipe.reporting.pictures import limits
from aepipe.reporting.sprites import Sprite, sprite

SIDE, MARGIN = 1000, 40  # of the drawing, in its own units
COLUMNS = 40  # of the sprite
SHAPES = (  # one for each class, by which it is known where colours can't be told apart
    "M-9 0a9 9 0 1 0 18 0a9 9 0 1 0-18 0z",
    "M-8-8H8V8H-8z",
    "M0-11L11 0L0 11L-11 0z",
    "M0-10L10 8H-10z",
    "M0 10L10-8H-10z",
    "M-3.5-10H3.5V-3.5H10V3.5H3.5V10H-3.5V3.5H-10V-3.5H-3.5z",
    "M0-4.5L5-9.5L9.5-5L4.5 0L9.5 5L5 9.5L0 4.5L-5 9.5L-9.5 5L-4.5 0L-9.5-5L-5-9.5z",
    "M0-12L3-4H11L5 2L7 10L0 5L-7 10L-5 2L-11-4H-3z",
    "M0-10L9.5-3L6 8H-6L-9.5-3z",
    "M-10-5H10V5H-10z",
)


@final
@dataclass(frozen=True, slots=True)
class Plane:
    """One representation's map.

    Attributes:
        label: of the entry.
        note: what the plane shows of the codes.
        x: of each sample, in units of the drawing.
        y: of each sample, downward.
        share: how many of the map's samples have a smaller squared error, in hundredths; 0 where
            there is no error.
        error: of each sample, as it is written; empty where there is no way back.
        names: for each class where its name stands, or null where it has no sample.
    """

    label: str
    note: str
    x: list[int]
    y: list[int]
    share: list[int]
    error: list[str]
    names: list[tuple[int, int] | None]


@final
@dataclass(frozen=True, slots=True)
class Point:
    """One mark as the page draws it first."""

    x: int
    y: int
    error: float
    split: str
    label: int
    mark: int


@final
@dataclass(frozen=True, slots=True)
class CodeMap:
    """What the page shows: see the template ``map.html``.

    Attributes:
        entries: by representation.
        first: number of the entry that is drawn.
        points: of that entry.
        names: of its classes, with their places.
        classes: names in the order of labels.
        shapes: of the marks, as SVG paths.
        sprite: pictures of the samples.
        data: for the page's script, as JSON.
    """

    entries: list[Plane]
    first: int
    points: list[Point]
    names: list[tuple[str, int, int]]
    classes: list[str]
    shapes: tuple[str, ...]
    sprite: Sprite
    data: str


def code_map(
    dataset: Dataset, evaluation: Path, raw: str | None, metrics: Metrics
) -> CodeMap | None:
    """Gather the maps of all entries; None where raw features, which show the samples, are not.

    Raises:
        ArtifactError: a file is missing or damaged.
    """
    tables = _tables(evaluation, metrics)
    if raw is None or raw not in tables:
        return None
    samples = array(evaluation / raw / f"{raw}.map.npy").astype(np.float32)
    shares = _shares(evaluation)
    planes = [_plane(entry, table, shares[entry], dataset) for entry, table in tables.items()]
    first = [*tables].index(_first(tables, metrics))
    table = tables[raw]
    kinds = {
        "ids": table["id"].tolist(),
        "splits": table["split"].tolist(),
        "labels": table["label"].tolist(),
        "classes": dataset.classes,
        "entries": [asdict(plane) for plane in planes],
    }
    shown = planes[first]
    named = zip(dataset.classes, shown.names, strict=True)
    return CodeMap(
        entries=planes,
        first=first,
        points=_points(shown, table),
        names=[(name, *place) for name, place in named if place is not None],
        classes=dataset.classes,
        shapes=SHAPES,
        sprite=_sprite(dataset, samples),
        # no tag inside ends the script that holds it
        data=json.dumps(kinds, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),
    )


def _tables(evaluation: Path, metrics: Metrics) -> dict[str, pd.DataFrame]:
    from aepipe.data.contracts import read_table  # pandera takes most of a second

    read = [read_table(path) for path in sorted(evaluation.glob("*/map.parquet"))]
    by_entry = {entry: rows for table in read for entry, rows in table.groupby("entry", sort=False)}
    return {entry: by_entry[entry] for entry in metrics.representations if entry in by_entry}


def _shares(evaluation: Path) -> dict[str, float]:
    figures = [read_json(path) for path in sorted(evaluation.glob("*.json"))]
    return {entry: one["map"]["share"] for each in figures for entry, one in each.items()}


def _first(tables: Mapping[str, pd.DataFrame], metrics: Metrics) -> str:
    """Give the entry that a linear probe does best on: there the classes lie furthest apart."""
    return max(tables, key=lambda entry: metrics.representations[entry].get("accuracy_linear", 0.0))


def _plane(entry: str, table: pd.DataFrame, share: float, dataset: Dataset) -> Plane:
    x, y = placed(table[["x", "y"]].to_numpy())
    errors = table["squared_error"].to_numpy()
    known = bool(np.isfinite(errors).all())
    note = f"The plane keeps {percent(share)} of the variance of the training samples' codes."
    if not known:
        note += " There is no way back from these codes, so they have no error."
    return Plane(
        label=label(entry),
        note=note,
        x=x.tolist(),
        y=y.tolist(),
        share=ranked(errors) if known else [0] * len(errors),
        error=[metric("squared_error", value) for value in errors] if known else [],
        names=_names(x, y, table["label"].to_numpy(), len(dataset.classes)),
    )


def placed(places: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Fit coordinates into the drawing, both axes to one scale, so that distances stay honest."""
    low, high = places.min(axis=0), places.max(axis=0)
    span = float((high - low).max()) or 1.0
    scaled = (places - (low + high) / 2) / span * (SIDE - 2 * MARGIN)
    x, y = np.rint(SIDE / 2 + scaled * [1, -1]).astype(np.int64).T
    return x, y


def ranked(errors: Array) -> list[int]:
    """Rank the errors: a few that are far larger than the rest would leave the rest one grey."""
    ranks = np.argsort(np.argsort(errors, kind="stable"), kind="stable")
    shares: list[int] = np.rint(100 * ranks / max(1, len(errors) - 1)).astype(int).tolist()
    return shares


def _names(x: Array, y: Array, labels: Array, classes: int) -> list[tuple[int, int] | None]:
    """Put each class's name at its median."""
    members = [labels == number for number in range(classes)]
    return [
        (int(np.median(x[there])), int(np.median(y[there]))) if there.any() else None
        for there in members
    ]


def _points(plane: Plane, table: pd.DataFrame) -> list[Point]:
    return [
        Point(x, y, share / 100, split, number, max(number, 0) % len(SHAPES))
        for x, y, share, split, number in zip(
            plane.x, plane.y, plane.share, table["split"], table["label"], strict=True
        )
    ]


def _sprite(dataset: Dataset, samples: Array) -> Sprite:
    missing = -len(samples) % COLUMNS
    nothing = np.full((missing, *samples.shape[1:]), np.nan, samples.dtype)
    grid = np.concatenate([samples, nothing]).reshape(-1, COLUMNS, *samples.shape[1:])
    return sprite(dataset, grid, limits(dataset, dataset.scaled(samples)))
