"""The dataset as ``ingest`` leaves it: stored features, their scaling, labels, splits."""

from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Annotated, Any, Literal, TypeGuard, final

import numpy as np
import pyarrow.parquet
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    Field,
    FiniteFloat,
    NonNegativeInt,
    PositiveInt,
    ValidationError,
)

from aepipe.data.parts import Array, Parts
from aepipe.errors import ArtifactError
from aepipe.files import FORMAT, read_description, write_json

Split = Literal["train", "valid", "test"]
SPLITS: tuple[Split, ...] = ("train", "valid", "test")
FITTED: tuple[Split, ...] = ("train", "valid")  # all that training sees; evaluate reads test
UNLABELLED = -1
NUMBERS = "biuf"  # numpy's kinds: truth, whole, whole without sign, floating


@final
@dataclass(frozen=True)
class Dataset:
    """A folder with ``dataset.json``, ``samples.parquet`` and ``features/SPLIT/`` parts.

    Features are stored as the source has them (8-bit pixels stay 8-bit); what a model sees is
    ``stored * scale + offset`` in float32.

    Attributes:
        folder: where it lies.
        source: the kind of source it came from.
        digest: of all features, labels and splits.
        shape: of one sample: ``(channels, height, width)`` for images, ``(features,)`` for tables
            and series, ``(steps, channels)`` for series of several channels.
        scale: factor, one for all features or one for each.
        offset: addend in scaled units, one for all features or one for each.
        value_range: smallest and largest possible scaled value, where the source bounds them.
        classes: class names; label ``i`` means ``classes[i]``. Empty for data without labels.
        counts: samples in each split.
        paired: whether ``noisy/SPLIT/`` holds a supplied corrupted version of each sample.
        origin: what these data are, where a reader could be misled about it; else empty.
        columns: names of the features, in order, where they came from a table; else empty.
    """

    folder: Path
    source: str
    digest: str
    shape: tuple[int, ...]
    scale: float | list[float]
    offset: float | list[float]
    value_range: tuple[float, float] | None
    classes: list[str]
    counts: dict[Split, int]
    paired: bool
    origin: str = ""
    columns: list[str] = field(default_factory=list)

    @property
    def is_image(self) -> bool:
        """Whether samples are images, ``(channels, height, width)``."""
        return len(self.shape) == 3

    @property
    def size(self) -> int:
        """Number of features of one sample."""
        return int(np.prod(self.shape))

    def features(self, split: Split) -> Parts:
        """The stored features of ``split``, ``(samples, *shape)``."""
        return self._parts("features", split)

    def noisy(self, split: Split) -> Parts:
        """The supplied corrupted version of ``split``; only where ``paired``."""
        return self._parts("noisy", split)

    def _parts(self, name: str, split: Split) -> Parts:
        """Give an array of the folder.

        Raises:
            ArtifactError: it is missing, damaged, or not of what ``dataset.json`` describes.
        """
        parts = Parts(self.folder / name / split)
        if parts.shape != self.shape or parts.dtype.kind not in NUMBERS:
            raise ArtifactError(
                f"{parts.folder}: rows of shape {parts.shape} {parts.dtype}; expected numbers of "
                f"shape {self.shape}, as dataset.json says; `dvc checkout` restores both"
            )
        return parts

    def scaled(self, stored: Array) -> NDArray[np.float32]:
        """Turn stored rows ``(n, *shape)`` into what models see, same shape."""
        scale, offset = self.scaling
        return stored.astype(np.float32) * scale + offset

    def unscaled(self, features: Array) -> NDArray[np.float32]:
        """Turn what models see back into the units of the source, same shape."""
        scale, offset = self.scaling
        result: NDArray[np.float32] = (features.astype(np.float32) - offset) / scale
        return result

    def labels(self, split: Split) -> NDArray[np.int64]:
        """Label of each sample of ``split``, in the order of its features; -1 where none."""
        labels: NDArray[np.int64] = self._columns["label"][self._columns["split"] == split]
        return labels.astype(np.int64)

    def ids(self, split: Split) -> NDArray[Any]:
        """Identifier of each sample of ``split``, in the order of its features."""
        ids: NDArray[Any] = self._columns["id"][self._columns["split"] == split]
        return ids

    @cached_property
    def _columns(self) -> dict[str, Array]:
        # pyarrow alone: pandas would add a third of a second to the start of every stage
        table = pyarrow.parquet.read_table(
            self.folder / "samples.parquet", columns=["id", "split", "label"]
        )
        return {name: table[name].to_numpy() for name in table.column_names}

    @cached_property
    def scaling(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Factor and addend, scalars or of ``shape``."""
        scale, offset = (np.asarray(value, np.float32) for value in (self.scale, self.offset))
        if scale.ndim:
            scale, offset = scale.reshape(self.shape), offset.reshape(self.shape)
        return scale, offset


class Described(BaseModel):
    """What ``dataset.json`` says; the fields are those of :class:`Dataset`."""

    source: str
    digest: str
    shape: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    scale: FiniteFloat | list[FiniteFloat]
    offset: FiniteFloat | list[FiniteFloat]
    value_range: tuple[FiniteFloat, FiniteFloat] | None
    classes: list[str]
    counts: dict[Split, NonNegativeInt]
    paired: bool
    origin: str
    columns: list[str] = []


def open_dataset(folder: Path) -> Dataset:
    """Open what ``ingest`` left in ``folder``; features are read only when asked for.

    Raises:
        ArtifactError: ``dataset.json`` is missing, damaged or of another format.
    """
    path = folder / "dataset.json"
    try:
        described = Described.model_validate(read_description(path))
    except ValidationError as error:
        found = [(".".join(map(str, each["loc"])), each) for each in error.errors()]
        wrong = "; ".join(
            f"{key}: {'missing' if each['type'] == 'missing' else each['msg']}"
            for key, each in found
        )
        raise ArtifactError(f"{path}: {wrong}; `dvc checkout` restores it") from None
    per_feature = {len(each) for each in (described.scale, described.offset) if _is_list(each)}
    if per_feature - {prod(described.shape)}:
        raise ArtifactError(
            f"{path}: a scale or offset for each of {per_feature} features, and samples of shape "
            f"{described.shape} have {prod(described.shape)}; `dvc checkout` restores it"
        )
    return Dataset(folder=folder, **dict(described))


def _is_list(value: object) -> TypeGuard[list[float]]:
    return isinstance(value, list)


def describe_dataset(dataset: Dataset) -> None:
    """Write ``dataset.json`` into the dataset's folder."""
    write_json(
        dataset.folder / "dataset.json",
        {
            "format": FORMAT,
            "source": dataset.source,
            "digest": dataset.digest,
            "shape": list(dataset.shape),
            "scale": dataset.scale,
            "offset": dataset.offset,
            "value_range": None if dataset.value_range is None else list(dataset.value_range),
            "classes": dataset.classes,
            "counts": dataset.counts,
            "paired": dataset.paired,
            "origin": dataset.origin,
            **({"columns": dataset.columns} if dataset.columns else {}),
        },
    )
