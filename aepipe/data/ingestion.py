"""One pass over a source: features to parts, a digest and figures of each sample, the scale."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any, final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from aepipe.data.contracts import write_table
from aepipe.data.dataset import SPLITS, Dataset, describe_dataset
from aepipe.data.parts import Array, Parts, PartsWriter
from aepipe.data.scaling import Moments, Scaling
from aepipe.data.sources.source import Blocks, SourceData
from aepipe.errors import ContractError, SourceError
from aepipe.files import digest_files
from aepipe.monitor import Monitor

BLOCK_ELEMENTS = (
    2**20
)  # 8 MiB in float64: all that is in memory at once, but for the parts' buffers
DIGEST_BYTES = 16  # two different samples share one with probability 10^-20 among a billion
EXAMPLES = 5


@final
@dataclass(frozen=True, slots=True)
class Assignment:
    """What has been decided about each sample of a source before its features are read.

    Attributes:
        splits: text, ``(samples,)``; empty for a sample that is left out.
        labels: class or -1, ``(samples,)``.
        scaling: as declared.
    """

    splits: NDArray[Any]
    labels: NDArray[np.int64]
    scaling: Scaling


@final
@dataclass(slots=True)
class Summaries:
    """Digest and figures of each sample, in the order of the source."""

    digest: list[str] = field(default_factory=list)
    minimum: list[float] = field(default_factory=list)
    maximum: list[float] = field(default_factory=list)
    mean: list[float] = field(default_factory=list)

    def add(self, rows: Array) -> None:
        """Take ``(n, *shape)`` rows into account."""
        flat = np.ascontiguousarray(rows.reshape(len(rows), -1))
        self.digest += [hashlib.blake2b(r, digest_size=DIGEST_BYTES).hexdigest() for r in flat]
        wide = flat.astype(np.float64)
        self.minimum += wide.min(axis=1).tolist()
        self.maximum += wide.max(axis=1).tolist()
        self.mean += wide.mean(axis=1).tolist()


def write_dataset(
    source: SourceData, kind: str, assigned: Assignment, folder: Path, monitor: Monitor
) -> Dataset:
    """Write a dataset's folder; memory does not grow with the number of features.

    Args:
        source: read once, from the first sample to the last.
        kind: of the source, which ``dataset.json`` names.
        assigned: split and label of each sample, and how to scale.
        folder: is made.
        monitor: hears of each block.

    Raises:
        SourceError: features are not finite, or the source is damaged.
        ContractError: a feature lies outside the bounds of the source.
    """
    moments = Moments(prod(source.shape) // source.steps)  # steps of a series share theirs
    summaries, splits = Summaries(), assigned.splits
    blocks = _within_bounds(source, _finite(source, source.blocks, monitor))
    _write_by_split(folder / "features", _summed_up(blocks, splits, moments, summaries), splits)
    if source.noisy is not None:
        _write_by_split(folder / "noisy", _finite(source, source.noisy, monitor), splits)
    samples = _samples(source, assigned, summaries)
    write_table(folder / "samples.parquet", samples)
    scale = moments.fit(assigned.scaling, source.bounds, source.where).repeated(source.steps)
    dataset = Dataset(
        folder=folder,
        source=kind,
        digest=_digest(folder, source, samples),
        shape=source.shape,
        scale=scale.scale,
        offset=scale.offset,
        value_range=scale.value_range,
        classes=list(source.classes),
        counts={split: int((splits == split).sum()) for split in SPLITS},
        paired=source.noisy is not None,
        origin=source.origin,
        columns=list(source.columns),
    )
    describe_dataset(dataset)
    return dataset


def _finite(source: SourceData, blocks: Blocks, monitor: Monitor) -> Iterator[Array]:
    """Hand on blocks of rows up to a value that float32 can't hold; tell of all such at the end.

    Raises:
        SourceError: there are some.
    """
    bad: list[str] = []
    start = 0
    rows = max(1, BLOCK_ELEMENTS // prod(source.shape))
    expected = -(-len(source) // rows)
    for block in monitor.progress(blocks(rows), f"read {source.where}", expected):
        if block.dtype.kind == "f":
            within = np.abs(block) <= np.finfo(np.float32).max  # False for NaN
            wrong = np.flatnonzero(~within.reshape(len(block), -1).all(axis=1))
            bad += [source.ids[start + row] for row in wrong.tolist()]
        start += len(block)
        if not bad:  # nothing is computed from such values
            yield block
    if bad:
        raise SourceError(
            f"{source.where}: NaN or infinite values in {len(bad)} of {start} samples: "
            f"{', '.join(bad[:EXAMPLES])}{', ...' if len(bad) > EXAMPLES else ''}; expected finite "
            "numbers; mend or remove these samples"
        )


def _within_bounds(source: SourceData, blocks: Iterable[Array]) -> Iterator[Array]:
    """Hand on blocks of rows that keep the bounds of the source, if it has any.

    Raises:
        ContractError: some do not; with the place of the first, and how far values go.
    """
    low, high = source.bounds or (-np.inf, np.inf)
    smallest, largest = np.inf, -np.inf
    first: str | None = None
    start = outside = 0
    for block in blocks:
        least, most = float(block.min()), float(block.max())
        smallest, largest = min(smallest, least), max(largest, most)
        if least < low or most > high:
            wrong = np.argwhere((block < low) | (block > high))
            if first is None:
                row, *feature = wrong[0].tolist()
                place = tuple(feature) if len(feature) > 1 else feature[0]
                value = block[tuple(wrong[0])]
                first = f"{value:.9g} at feature {place} of sample {source.ids[start + row]}"
            outside += len(np.unique(wrong[:, 0]))
        start += len(block)
        if first is None:
            yield block
    if first is not None:
        raise ContractError(
            f"{source.where}: values outside the bounds {low:g} to {high:g} in {outside} of "
            f"{start} samples, first {first}; they go from {smallest:.9g} to {largest:.9g}; mend "
            "them, or declare their bounds in data.source.bounds"
        )


def _summed_up(
    blocks: Iterable[Array], splits: NDArray[Any], moments: Moments, summaries: Summaries
) -> Iterator[Array]:
    """Hand on blocks of rows, adding all to ``summaries`` and those of training to ``moments``."""
    start = 0
    for block in blocks:
        moments.add(block[splits[start : start + len(block)] == "train"])
        summaries.add(block)
        start += len(block)
        yield block


def _write_by_split(folder: Path, blocks: Iterable[Array], splits: NDArray[Any]) -> None:
    """Write each row to the parts of its split; within a split the order stays the source's."""
    writers = {split: PartsWriter(folder / split) for split in SPLITS}
    start = 0
    for block in blocks:
        of_block = splits[start : start + len(block)]
        for split, writer in writers.items():
            if (of_block == split).any():
                writer.append(block[of_block == split])
        start += len(block)
    for writer in writers.values():
        writer.close()


def _samples(source: SourceData, assigned: Assignment, summaries: Summaries) -> pd.DataFrame:
    """Make the table of samples, in the order in which the dataset keeps their features."""
    frame = pd.DataFrame(
        {
            "id": pd.Series(list(source.ids), dtype="str"),
            "split": assigned.splits,
            "label": assigned.labels,
            "digest": summaries.digest,
            "minimum": summaries.minimum,
            "maximum": summaries.maximum,
            "mean": summaries.mean,
        }
    )
    order = np.concatenate([np.flatnonzero(assigned.splits == split) for split in SPLITS])
    return frame.iloc[order].reset_index(drop=True)


def _digest(folder: Path, source: SourceData, samples: pd.DataFrame) -> str:
    """Give one digest of all features, labels, classes and splits."""
    whole = hashlib.blake2b(digest_size=DIGEST_BYTES)
    dtype = str(Parts(folder / "features" / "train").dtype)
    whole.update(json.dumps([list(source.shape), dtype, list(source.classes)]).encode())
    rows = zip(samples["digest"], samples["label"], samples["split"], strict=True)
    whole.update("\n".join(f"{digest} {label} {split}" for digest, label, split in rows).encode())
    whole.update(digest_files(folder, (folder / "noisy").rglob("*.npy")).encode())
    return whole.hexdigest()
