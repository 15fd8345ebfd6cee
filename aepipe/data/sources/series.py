"""Series, one row each, of one or several channels and of different lengths.

A series that ends before the longest is filled up with its last step, so that all of them fit one
array; what reads step by step takes equal steps at the end for one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from math import prod
from pathlib import Path
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from aepipe.data.parts import Array
from aepipe.data.sources.npz import open_npz, read_member
from aepipe.data.sources.source import IMAGE_DIMENSIONS, SourceData, require_file
from aepipe.data.sources.table import open_csv, open_parquet
from aepipe.errors import SourceError
from aepipe.params.data import NpzSource, SeriesSource, TableSource

Lengths = NDArray[np.int64]


def open_series(config: SeriesSource) -> SourceData:
    """Open the file that holds the series.

    Raises:
        SourceError: it is not what is declared, or its steps, channels and lengths do not go
            together.
    """
    path = require_file(Path(config.file.path), "data.source.file.path")
    match config.file:
        case TableSource(kind="csv"):
            source = open_csv(config.file, "nan")
        case TableSource():
            source = open_parquet(config.file, "nan")
        case NpzSource():
            source = open_npz(config.file)
        case _:
            assert_never(config.file)
    steps = _steps(source, config.channels)
    lengths = _lengths(config, path, source, steps)
    series = partial(_filled, source, (steps, config.channels), lengths)
    shape = (steps,) if config.channels == 1 else (steps, config.channels)

    def blocks(rows: int) -> Iterator[Array]:
        return (block.reshape(-1, *shape) for block in series(rows))

    return replace(source, shape=shape, blocks=blocks, steps=steps, columns=())


def _steps(source: SourceData, channels: int) -> int:
    """Give the number of steps of the longest series.

    Raises:
        SourceError: values cannot be divided into so many channels.
    """
    if len(source.shape) == IMAGE_DIMENSIONS:
        first, steps, there = source.shape
        if first != 1 or there != channels:
            shape = source.shape[1:] if first == 1 else source.shape
            raise SourceError(
                f"{source.where}: samples of shape {shape}, and data.source.channels is "
                f"{channels}; expected (samples, steps, channels); set channels, or np.moveaxis "
                "the array"
            )
        return steps
    values = prod(source.shape)
    if values % channels:
        raise SourceError(
            f"{source.where}: {values} values in a row, which {channels} channels do not divide; "
            "expected all channels of the first step, then those of the next; set "
            "data.source.channels, or add what is no value to data.source.file.ignore"
        )
    return values // channels


def _lengths(config: SeriesSource, path: Path, source: SourceData, steps: int) -> Lengths | None:
    """Read the declared number of steps of each series, train part first.

    Raises:
        SourceError: there is not one for each, whole and between 1 and ``steps``.
    """
    names = [name for name in (config.lengths, config.test_lengths) if name is not None]
    if not names:
        return None
    lengths = np.concatenate([read_member(path, name).load() for name in names])
    called = " and ".join(map(repr, names))
    if lengths.shape != (len(source),) or lengths.dtype.kind not in "iu":
        raise SourceError(
            f"{path}: {called} of shape {lengths.shape} {lengths.dtype}; expected a whole number "
            f"for each of the {len(source)} series"
        )
    wrong = np.flatnonzero((lengths < 1) | (lengths > steps))
    if len(wrong):
        row = int(wrong[0])
        raise SourceError(
            f"{path}: {called} says {lengths[row]} steps for series {source.ids[row]} "
            f"({len(wrong)} such); expected 1 to {steps}, which the array has; mend it"
        )
    return lengths.astype(np.int64)


def _filled(
    source: SourceData, shape: tuple[int, int], lengths: Lengths | None, rows: int
) -> Iterator[Array]:
    """Go through the series, ``(n, steps, channels)``, each with its last step up to the end.

    Raises:
        SourceError: a value is missing before a series ends, or all of one's are.
    """
    start = 0
    for block in source.blocks(rows):
        series = block.reshape(-1, *shape)
        missing = np.isnan(series) if series.dtype.kind == "f" else np.zeros(series.shape, bool)
        ids = source.ids[start : start + len(series)]
        if lengths is None:
            there: NDArray[np.bool_] = np.logical_not(missing.all(axis=2))
            ends = np.where(there.any(axis=1), shape[0] - there[:, ::-1].argmax(axis=1), 0)
        else:
            ends = lengths[start : start + len(series)]
        places = np.arange(shape[0])
        gaps = np.argwhere(missing & (places < ends[:, None])[:, :, None])
        if len(gaps) or not ends.all():
            raise SourceError(f"{source.where}: {_gap(gaps, ends, ids)}")
        kept = np.minimum(places, ends[:, None] - 1)
        yield np.take_along_axis(series, kept[:, :, None], axis=1)
        start += len(series)


def _gap(gaps: NDArray[np.int64], ends: Lengths, ids: Sequence[str]) -> str:
    empty = np.flatnonzero(ends == 0)
    if len(empty):
        return (
            f"series {ids[int(empty[0])]} has no value at all; expected at least one step; "
            "remove it"
        )
    row, step, channel = gaps[0].tolist()
    return (
        f"series {ids[row]} has no value at step {step}, channel {channel}, and goes on to step "
        f"{ends[row] - 1}; values may be missing after its last step alone; fill it, or remove the "
        "series"
    )
