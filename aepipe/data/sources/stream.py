"""Arrays inside files that are read forwards: plain, gzipped, or members of an archive."""

import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from math import prod
from typing import IO, Any, final
from zipfile import BadZipFile

import numpy as np

from aepipe.data.parts import Array
from aepipe.errors import SourceError

DAMAGED = (EOFError, OSError, zlib.error, BadZipFile)
ALWAYS_FITS = 2**30  # bytes; what a file expands to may be as large, however small the file is
EXPANSION = 200  # times the file, beyond that; MNIST expands 5 times, nothing but zeros 1,000 times


def require_bounded(where: str, stored: int, expanded: int) -> None:
    """Hold that a compressed array is none that is small on disk and fills it when it is read.

    Args:
        where: what messages call it.
        stored: bytes in the file.
        expanded: bytes that its header declares; no more are ever read.

    Raises:
        SourceError: it is one.
    """
    if expanded > max(ALWAYS_FITS, EXPANSION * stored):
        raise SourceError(
            f"{where}: {stored:,} bytes that expand to {expanded:,}; expected {EXPANSION} times as "
            f"many at most, or {ALWAYS_FITS:,} in all; if that is right, store it uncompressed"
        )


@final
@dataclass(frozen=True, slots=True)
class StoredArray:
    """A C-ordered array of ``(rows, *shape)`` that is read block by block, never whole.

    Attributes:
        where: what messages call it.
        rows: how many its header declares.
        shape: of one row.
        dtype: of its elements, in the file's byte order.
        open: opens it at its first element.
    """

    where: str
    rows: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    open: Callable[[], AbstractContextManager[IO[bytes]]]

    def blocks(self, rows: int) -> Iterator[Array]:
        """Go through the array once, at most ``rows`` rows at a time, in native byte order.

        Raises:
            SourceError: the file ends early, goes on after its last row, or fails its checksum.
        """
        row_bytes = prod(self.shape) * self.dtype.itemsize
        start = 0
        try:
            with self.open() as stream:
                for start in range(0, self.rows, rows):
                    count = min(rows, self.rows - start)
                    content = stream.read(count * row_bytes)
                    if len(content) < count * row_bytes:
                        raise SourceError(self._ends_early(start + len(content) // row_bytes))
                    yield self._array(content, count)
                if stream.read(1):  # also makes gzip and zip compare their checksums
                    raise SourceError(
                        f"{self.where}: goes on after the {self.rows} rows that its header "
                        "declares; expected its end there; fetch or write the file again"
                    )
        except DAMAGED as error:
            raise SourceError(f"{self._ends_early(start)} ({error})") from None

    def load(self) -> Array:
        """Read the whole array.

        Raises:
            SourceError: as :meth:`blocks`.
        """
        return np.concatenate(list(self.blocks(max(1, self.rows))))

    def _array(self, content: bytes, count: int) -> Array:
        stored: Array = np.frombuffer(content, self.dtype).reshape(count, *self.shape)
        return stored.astype(self.dtype.newbyteorder("="), copy=False)

    def _ends_early(self, row: int) -> str:
        return (
            f"{self.where}: damaged or truncated after row {row}; its header declares {self.rows} "
            "rows; fetch or write the file again"
        )
