"""What can be known of a source without reading it: for checks before anything runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import final

import numpy as np

from aepipe.data.dataset import SPLITS, Split
from aepipe.data.parts import Array
from aepipe.data.sources.open import open_source
from aepipe.data.sources.torchvision import PUBLISHED, is_downloaded, is_read_by_torchvision
from aepipe.data.splits import assign_samples
from aepipe.params.data import Data, TorchvisionSource, VariantSource

BYTES = 256  # values of a byte


@final
@dataclass(frozen=True, slots=True)
class Outline:
    """A source from its headers and labels.

    Attributes:
        where: what messages call it.
        shape: of one sample.
        classes: number of them; 0 for data without labels.
        class_names: of all classes.
        trained_classes: number of those that have a labelled sample in the training split.
        counts: samples in each split.
        labelled: training samples that keep their label.
        bounded: whether the kind of data has a smallest and a largest value.
        values: how many values a feature can have, where they are bounded whole numbers.
    """

    where: str
    shape: tuple[int, ...]
    classes: int
    class_names: Sequence[str]
    counts: Mapping[Split, int]
    trained_classes: int
    labelled: int
    bounded: bool
    values: int | None


def outline_source(data: Data, seed: int) -> Outline:
    """Open the source as ``ingest`` will, draw its splits, and read one sample; download nothing.

    A dataset of torchvision that is not there yet, or that only torchvision can read, is outlined
    from what is published of it.

    Raises:
        SourceError: ``ingest`` would refuse it for its headers, labels, splits or first sample.
    """
    config = data.source.of if isinstance(data.source, VariantSource) else data.source
    if isinstance(config, TorchvisionSource):
        fetched = is_downloaded(config)
        if (fetched and is_read_by_torchvision(config)) or (not fetched and config.download):
            return _published(data, config)
    source = open_source(data.source, seed)
    splits, labels = assign_samples(source, data, seed)
    first = next(source.blocks(1))
    if source.noisy is not None:
        next(source.noisy(1))
    known = labels[(splits == "train") & (labels >= 0)]
    return Outline(
        where=source.where,
        shape=source.shape,
        classes=len(source.classes),
        class_names=source.classes,
        counts={split: int((splits == split).sum()) for split in SPLITS},
        trained_classes=len(np.unique(known)),
        labelled=len(known),
        bounded=source.bounds is not None,
        values=_values(first, source.bounds),
    )


def _published(data: Data, config: TorchvisionSource) -> Outline:
    known = PUBLISHED[config.name]
    source = data.source
    if isinstance(source, VariantSource):
        counts = {"train": source.train, "valid": source.valid, "test": source.test}
    else:
        valid = ceil(known.train * data.splits.valid)
        counts = {"train": known.train - valid, "valid": valid, "test": known.test}
    classes = len(known.classes)
    trained = classes if data.train_on is None else len(set(data.train_on))
    share = trained / classes  # none of these sets has classes of very different sizes
    for split in ("train", "valid"):
        counts[split] = ceil(counts[split] * share)
    return Outline(
        where=f"{config.folder}/{config.name}",
        shape=known.shape,
        classes=classes,
        class_names=known.classes,
        counts={split: counts[split] for split in SPLITS},
        trained_classes=trained,
        labelled=ceil(counts["train"] * data.labelled_fraction),
        bounded=True,
        values=BYTES,
    )


def _values(sample: Array, bounds: tuple[float, float] | None) -> int | None:
    if bounds is None or sample.dtype.kind not in "biu":
        return None
    low, high = bounds
    return int(high - low) + 1
