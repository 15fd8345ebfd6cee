"""Arrays on disk as folders of plain ``.npy`` parts that can be memory-mapped.

DVC stores and moves each part by its checksum, so a change of a few rows moves a few parts.
"""

import mmap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tokenize import TokenError
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from aepipe.errors import ArtifactError

PART_BYTES = 16 * 2**20  # small enough to move one by one, large enough that a file costs nothing

# What numpy raises of a damaged .npy: its header is parsed as Python's literals.
UNREADABLE = (ValueError, OSError, EOFError, TokenError, SyntaxError, RecursionError)

Array = NDArray[Any]


@final
@dataclass(frozen=True, slots=False)
class Parts:
    """One array of ``(rows, *shape)``, kept as ``00000.npy``, ``00001.npy``, ... in a folder."""

    folder: Path

    @cached_property
    def arrays(self) -> list[Array]:
        """The parts in order, memory-mapped, read-only.

        Raises:
            ArtifactError: no part is there, one is damaged, or two differ in row shape or type.
        """
        paths = sorted(self.folder.glob("*.npy"))
        if not paths:
            raise ArtifactError(f"{self.folder}: no .npy parts; `dvc repro` makes them")
        arrays = [_open(path) for path in paths]
        kinds = {(array.shape[1:], array.dtype) for array in arrays}
        if len(kinds) > 1:
            raise ArtifactError(
                f"{self.folder}: parts of different shapes or types, {sorted(map(str, kinds))}; "
                "`dvc checkout` restores them"
            )
        return arrays

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one row."""
        return tuple(self.arrays[0].shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements as stored."""
        return self.arrays[0].dtype

    def __len__(self) -> int:
        return sum(len(array) for array in self.arrays)

    @property
    def nbytes(self) -> int:
        """Size in memory of the whole array as stored."""
        return sum(array.nbytes for array in self.arrays)

    def load(self) -> Array:
        """Read the whole array into memory."""
        return np.concatenate(self.arrays)

    def blocks(self, rows: int) -> Iterator[Array]:
        """Go through the array in order, at most ``rows`` rows at a time."""
        for array in self.arrays:
            for start in range(0, len(array), rows):
                yield array[start : start + rows]

    def rows(self, indices: NDArray[np.int64]) -> Array:
        """Copy the given rows, in the given order, without reading the others."""
        part, within = self._places(indices)
        out = np.empty((len(indices), *self.shape), self.dtype)
        for number in np.unique(part):
            chosen = part == number
            out[chosen] = self.arrays[number][within[chosen]]
        return out

    def expect(self, indices: NDArray[np.int64]) -> None:
        """Tell the system that the given rows will be asked for soon, so that it reads them now.

        Returns at once; where a system has no such call, nothing happens.
        """
        if not hasattr(mmap, "MADV_WILLNEED"):
            return
        size = self.arrays[0][:1].nbytes
        for number, row in zip(*self._places(indices), strict=True):
            array = self.arrays[number]
            if isinstance(array, np.memmap) and isinstance(array.base, mmap.mmap):
                start = array.offset % mmap.ALLOCATIONGRANULARITY + int(row) * size
                page = start - start % mmap.PAGESIZE  # where a page begins is all it may be told
                array.base.madvise(mmap.MADV_WILLNEED, page, start + size - page)

    def _places(self, indices: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Give the part that each row is in, and its number in there."""
        part = np.searchsorted(self._starts[1:], indices, side="right")
        return part, indices - self._starts[part]

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        """Number of the first row of each part, and of the row after the last."""
        return np.cumsum([0, *(len(array) for array in self.arrays)])


@final
class PartsWriter:
    """Collects rows and writes them as parts of about :data:`PART_BYTES`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._held: list[Array] = []
        self._count = 0

    def append(self, rows: Array) -> None:
        """Add ``(n, *shape)`` rows; all calls must agree on shape and type."""
        size = max(1, PART_BYTES // max(1, rows[:1].nbytes))
        self._held.append(rows)
        while sum(map(len, self._held)) >= size:
            self._held = [self._write(size)]

    def close(self) -> None:
        """Write what is left; an array without a row still leaves one (empty) part."""
        if sum(map(len, self._held)) or not self._count:
            self._write(sum(map(len, self._held)))

    def _write(self, size: int) -> Array:
        joined = np.concatenate(self._held)
        with (self._folder / f"{self._count:05d}.npy").open("wb") as file:
            np.save(file, np.ascontiguousarray(joined[:size]), allow_pickle=False)
        self._count += 1
        return joined[size:]


def write_parts(folder: Path, blocks: Iterable[Array]) -> Parts:
    """Write ``blocks`` of rows as one array; where it is cut depends on the rows alone."""
    writer = PartsWriter(folder)
    for block in blocks:
        writer.append(block)
    writer.close()
    return Parts(folder)


def _open(path: Path) -> Array:
    try:
        array: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    except UNREADABLE as error:
        raise ArtifactError(
            f"{path}: not a readable array ({error}); `dvc checkout` restores it"
        ) from None
    if not array.ndim:
        raise ArtifactError(f"{path}: a single value; expected rows; `dvc checkout` restores it")
    return array
