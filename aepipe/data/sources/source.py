"""What every source gives, whatever it is made of."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray

from aepipe.data.dataset import Split
from aepipe.data.parts import Array
from aepipe.errors import SourceError

Blocks = Callable[[int], Iterator[Array]]
BYTE_RANGE = (0.0, 255.0)
IMAGE_DIMENSIONS = 3


@final
@dataclass(frozen=True)
class SourceData:
    """Samples in the order of the source; labels are read, features wait until asked for.

    Attributes:
        where: what messages call it.
        shape: of one sample: ``(channels, height, width)``, ``(features,)`` or
            ``(steps, channels)``.
        ids: one unique name for each sample.
        blocks: goes through the features once, from the first sample to the last, in arrays of at
            most the given number of rows, ``(n, *shape)``; raises SourceError where the data are
            damaged. Holds no more than a few blocks in memory wherever the format allows it.
        labels: class of each sample, ``0 .. len(classes) - 1``; None where there are no classes.
        classes: class names.
        given: split of each sample, where the source gives any.
        groups: number of each sample's group, where groups must not be torn apart.
        bounds: smallest and largest possible value, where the kind of data has them.
        noisy: as ``blocks``, in step with it: the supplied corrupted version of each sample.
        origin: where a reader must not be misled about it: what these data are, in a sentence.
        steps: of a series, all of which are scaled alike; they are the first dimension of
            ``shape``. 1 where each feature has a scale of its own.
        columns: names of the features, where they have any.
    """

    where: str
    shape: tuple[int, ...]
    ids: Sequence[str]
    blocks: Blocks
    labels: NDArray[np.int64] | None
    classes: Sequence[str]
    given: Sequence[Split] | None = None
    groups: NDArray[np.int64] | None = None
    bounds: tuple[float, float] | None = None
    noisy: Blocks | None = None
    origin: str = ""
    steps: int = 1
    columns: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.ids)


def slices(array: Array) -> Blocks:
    """Make blocks of an array that is in memory."""
    return lambda rows: (array[i : i + rows] for i in range(0, len(array), rows))


def joined(parts: Sequence[Blocks]) -> Blocks:
    """Put several blocks one after the other; none crosses from one to the next."""
    return lambda rows: chain.from_iterable(part(rows) for part in parts)


def numbered(count: int, prefix: str = "") -> list[str]:
    """Name samples by their position, counted from 0."""
    return [f"{prefix}{number:06d}" for number in range(count)]


def given_splits(train: int, valid: int, test: int) -> list[Split]:
    """Give the split of each sample where all of training come first, then validation, then test.

    Samples that are drawn independently, or in random order, can be divided so.
    """
    return [*["train"] * train, *["valid"] * valid, *["test"] * test]  # type: ignore[list-item]


def bounds_of(dtype: np.dtype[np.generic]) -> tuple[float, float] | None:
    """Give the bounds of types that are used for nothing but bounded values: bytes and truth."""
    if dtype == np.bool_:
        return (0.0, 1.0)
    return BYTE_RANGE if dtype == np.uint8 else None


def sample_shape(shape: tuple[int, ...], where: str) -> tuple[int, ...]:
    """Give the shape of one sample from that of an array of them.

    ``(n, features)`` is a table, ``(n, height, width)`` are images of one channel, and
    ``(n, channels, height, width)`` are images.

    Raises:
        SourceError: it is none of these, has no sample, or looks like channels last.
    """
    dimensions = " or ".join(
        ("(n, features)", "(n, height, width)", "(n, channels, height, width)")
    )
    if len(shape) not in (2, 3, 4) or 0 in shape:
        raise SourceError(
            f"{where}: came an array of shape {shape}; expected {dimensions}, none of them 0; "
            "reshape it"
        )
    if len(shape) == 4 and shape[3] in (1, 3, 4) and shape[1] > 4:
        raise SourceError(
            f"{where}: shape {shape} has its channels last; expected (n, channels, height, width); "
            "np.moveaxis(array, 3, 1) puts them first"
        )
    return (1, *shape[1:]) if len(shape) == IMAGE_DIMENSIONS else shape[1:]


def encode_labels(values: Array, where: str) -> tuple[NDArray[np.int64], list[str]]:
    """Number the classes: by value where all names are integers, else by name.

    Args:
        values: one label for each sample, ``(n,)``: integers, text, or floats that are whole.
        where: what messages call them.

    Returns:
        Class of each sample, and the names of the classes.

    Raises:
        SourceError: labels are not one for each sample, or not of such a type.
    """
    if values.ndim != 1:
        raise SourceError(
            f"{where}: labels of shape {values.shape}; expected (n,), one class for each sample"
        )
    if values.dtype.kind == "f" and np.array_equal(values, np.round(values)):
        values = values.astype(np.int64)
    if values.dtype.kind not in "biuUT":
        raise SourceError(
            f"{where}: labels of type {values.dtype}; expected whole numbers or text; "
            "save them as integers"
        )
    names, labels = np.unique(values, return_inverse=True)
    classes = [str(int(name)) if values.dtype.kind == "b" else str(name) for name in names]
    if all(name.lstrip("-").isdecimal() for name in classes):
        order = sorted(range(len(classes)), key=lambda number: int(classes[number]))
        labels, classes = np.argsort(order)[labels], [classes[number] for number in order]
    return labels.astype(np.int64), classes


def require_equal_counts(features: int, labels: int, features_at: str, labels_at: str) -> None:
    """Hold that there is one label for each sample.

    Raises:
        SourceError: there is not.
    """
    if features != labels:
        fewer = "fewer" if labels < features else "more"
        raise SourceError(
            f"{labels_at}: {labels} labels, {fewer} than the {features} samples of {features_at}; "
            "expected one for each; check that the two belong together"
        )


def require_file(path: Path, key: str) -> Path:
    """Hold that a declared file is there; ``key`` is where in ``params.yaml`` it was declared.

    Raises:
        SourceError: it is not, or is a folder.
    """
    if not path.exists():
        raise SourceError(
            f"{path}: no such file; expected the data there; set {key} to where it is"
        )
    if not path.is_file():
        raise SourceError(f"{path}: is a folder; expected a file; set {key} to one")
    return path


def require_folder(path: Path, key: str) -> Path:
    """Hold that a declared folder is there; ``key`` is where in ``params.yaml`` it was declared.

    Raises:
        SourceError: it is not, or is a file.
    """
    if not path.exists():
        raise SourceError(
            f"{path}: no such folder; expected the data there; set {key} to where it is"
        )
    if not path.is_dir():
        raise SourceError(f"{path}: is a file; expected a folder; set {key} to one")
    return path
