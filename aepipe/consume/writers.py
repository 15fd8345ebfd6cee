"""Predictions on their way to a file, as they come: an array (.npy) or a table (.parquet)."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, final

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from numpy.lib import format as npy

from aepipe.data.parts import Array
from aepipe.errors import InputError

GROUP_BYTES = 16 * 2**20  # of a row group: small enough to hold, large enough to read fast


@final
@dataclass(frozen=True, slots=True)
class Predictions:
    """What a model says of one batch.

    Attributes:
        array: ``(n, ...)``, what an ``.npy`` file holds.
        columns: each ``(n, ...)``, what a ``.parquet`` file holds.
    """

    array: Array
    columns: Mapping[str, Any]


class Writer(Protocol):
    """Takes predictions in order."""

    def write(self, predictions: Predictions) -> None:
        """Add those of one batch."""
        ...


@contextmanager
def open_output(path: Path, name: str) -> Iterator[Writer]:
    """Open a file for predictions; it is complete once the block has ended.

    Args:
        path: where it is written.
        name: what the user has called it, whose suffix says of which kind it is.

    Raises:
        InputError: the suffix is not known.
    """
    match Path(name).suffix:
        case ".npy":
            with path.open("wb") as file:
                array = _ArrayWriter(file)
                yield array
                array.close()
        case ".parquet":
            table = _TableWriter(path)
            try:
                yield table
            finally:
                table.close()
        case other:
            raise InputError(f"{name}: suffix {other!r}; expected .npy or .parquet")


def require_output(path: Path) -> None:
    """Hold, before anything is computed, that predictions can be written to such a file.

    Raises:
        InputError: the suffix is not known, or a folder is there.
    """
    if path.suffix not in (".npy", ".parquet"):
        raise InputError(f"{path}: suffix {path.suffix!r}; expected .npy or .parquet")
    if path.is_dir():
        raise InputError(f"{path}: is a folder; expected a file to write")


@final
class _ArrayWriter:
    """Rows behind a header that numpy pads, so that their number can be put in at the end."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._kind: tuple[tuple[int, ...], np.dtype[Any]] | None = None
        self._rows = 0

    def write(self, predictions: Predictions) -> None:
        """Add rows."""
        rows = np.ascontiguousarray(predictions.array)
        if self._kind is None:
            self._kind = (rows.shape[1:], rows.dtype)
            self._head()
        self._file.write(rows.data)
        self._rows += len(rows)

    def close(self) -> None:
        """Put in the number of rows."""
        self._file.seek(0)
        self._head()

    def _head(self) -> None:
        shape, dtype = self._kind or ((), np.dtype(np.float32))
        described = {
            "descr": npy.dtype_to_descr(dtype),
            "fortran_order": False,
            "shape": (self._rows, *shape),
        }
        npy.write_array_header_1_0(self._file, described)


@final
class _TableWriter:
    """Row groups of about :data:`GROUP_BYTES`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: pyarrow.parquet.ParquetWriter | None = None
        self._held: list[pa.RecordBatch] = []

    def write(self, predictions: Predictions) -> None:
        """Add rows."""
        arrays = {name: _column(values) for name, values in predictions.columns.items()}
        self._held.append(pa.RecordBatch.from_pydict(arrays))
        if sum(batch.nbytes for batch in self._held) >= GROUP_BYTES:
            self._flush()

    def close(self) -> None:
        """Write what is left."""
        if self._held:
            self._flush()
        if self._writer is not None:
            self._writer.close()

    def _flush(self) -> None:
        table = pa.Table.from_batches(self._held)
        if self._writer is None:
            # a dictionary of floats, which rarely repeat, costs time and saves no space
            words = [each.name for each in table.schema if pa.types.is_string(each.type)]
            self._writer = pyarrow.parquet.ParquetWriter(
                self._path, table.schema, use_dictionary=words
            )
        self._writer.write_table(table, row_group_size=max(1, table.num_rows))
        self._held = []


def _column(values: Any) -> pa.Array:
    """Give a column of ``(n,)`` values, or of ``(n, ...)`` ones as flat lists."""
    if isinstance(values, pa.Array):
        return values
    if values.ndim == 1:
        return pa.array(values)
    flat = np.ascontiguousarray(values).reshape(len(values), -1)
    return pa.FixedSizeListArray.from_arrays(pa.array(flat.ravel()), flat.shape[1])
