"""What can be known of a source without reading it: for checks before anything runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import final

import numpy as np

from aepipe.data.dataset import SPLITS, Split
from aepipe.data.sources.open import open_source
from aepipe.data.sources.torchvision import PUBLISHED, is_downloaded, is_read_by_torchvision
from aepipe.data.splits import draw_splits, keep_labels
from aepipe.params.data import Data, TorchvisionSource

BYTES = 256  # values of a pixel of 8 bits


@final
@dataclass(frozen=True, slots=True)
class Outline:
    """A source from its headers and labels.

    Attributes:
        where: what messages call it.
        shape: of one sample.
        classes: number of them; 0 for data without labels.
        counts: samples in each split.
        labelled: training samples that keep their label.
        bounded: whether the kind of data has a smallest and a largest value.
        levels: how many values there are from the smallest to the largest, where they are whole
            numbers; else None.
    """

    where: str
    shape: tuple[int, ...]
    classes: int
    counts: Mapping[Split, int]
    labelled: int
    bounded: bool
    levels: int | None


def outline_source(data: Data, seed: int) -> Outline:
    """Open the source as ``ingest`` will, draw its splits, and read one sample; download nothing.

    A dataset of torchvision that is not there yet, or that only torchvision can read, is outlined
    from what is published of it.

    Raises:
        SourceError: ``ingest`` would refuse it for its headers, labels, splits or first sample.
    """
    config = data.source
    if isinstance(config, TorchvisionSource):
        fetched = is_downloaded(config)
        if (fetched and is_read_by_torchvision(config)) or (not fetched and config.download):
            return _published(data, config)
    source = open_source(config)
    splits = draw_splits(source, data.splits, seed)
    labels = keep_labels(source, splits, data.labelled_fraction, seed)
    first = next(source.blocks(1))
    if source.noisy is not None:
        next(source.noisy(1))
    return Outline(
        where=source.where,
        shape=source.shape,
        classes=len(source.classes),
        counts={split: int((splits == split).sum()) for split in SPLITS},
        labelled=int((labels[splits == "train"] >= 0).sum()),
        bounded=source.bounds is not None,
        levels=_levels(source.bounds, first.dtype),
    )


def _published(data: Data, config: TorchvisionSource) -> Outline:
    known = PUBLISHED[config.name]
    valid = ceil(known.train * data.splits.valid)
    train = known.train - valid
    return Outline(
        where=f"{config.folder}/{config.name}",
        shape=known.shape,
        classes=len(known.classes),
        counts={"train": train, "valid": valid, "test": known.test},
        labelled=ceil(train * data.labelled_fraction),
        bounded=True,
        levels=BYTES,
    )


def _levels(bounds: tuple[float, float] | None, dtype: np.dtype[np.generic]) -> int | None:
    whole = dtype.kind in "bui"  # truth, and integers without or with a sign
    return round(bounds[1] - bounds[0]) + 1 if bounds is not None and whole else None
