"""IDX files, as MNIST came in: a magic number, the dimensions, big-endian elements.

The format is described on LeCun's MNIST page: two bytes 0, one for the type of the elements, one
for the number of dimensions, then each dimension as a 32-bit integer.
"""

import gzip
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import IO, cast

import numpy as np

from aepipe.data.dataset import Split
from aepipe.data.parts import Array
from aepipe.data.sources.source import (
    SourceData,
    bounds_of,
    encode_labels,
    joined,
    numbered,
    require_equal_counts,
    require_folder,
    sample_shape,
)
from aepipe.data.sources.stream import DAMAGED, StoredArray, require_bounded
from aepipe.errors import SourceError
from aepipe.params.data import IdxSource

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
DIMENSIONS = 4  # samples, channels, height, width
KEY = "data.source.folder"
AGAIN = "fetch or write the file again"


def open_idx(config: IdxSource) -> SourceData:
    """Open the folder; the test part may be absent, and is then drawn.

    Raises:
        SourceError: files are missing, damaged, or do not belong together.
    """
    folder = require_folder(Path(config.folder), KEY)
    parts: dict[Split, tuple[Path, Path]] = {}
    parts["train"] = (find_idx(folder, "train-images"), find_idx(folder, "train-labels"))
    if any(folder.glob("t10k-*")):
        parts["test"] = (find_idx(folder, "t10k-images"), find_idx(folder, "t10k-labels"))
    return read_parts(parts, str(folder))


def find_idx(folder: Path, stem: str) -> Path:
    """Find ``stem-idx3-ubyte`` or its like in ``folder``: ``.idx3``, gzipped; a plain file first.

    Raises:
        SourceError: there is none.
    """
    named = folder.glob(f"{stem}[-.]idx[0-9]*")
    found = sorted((path for path in named if path.is_file()), key=lambda p: p.suffix == ".gz")
    if not found:
        names = ", ".join(sorted(path.name for path in folder.iterdir())[:8]) or "nothing"
        raise SourceError(
            f"{folder}: holds {names}; expected {stem}-idx...-ubyte, gzipped or not; "
            f"put the file there or set {KEY}"
        )
    return found[0]


def read_parts(parts: dict[Split, tuple[Path, Path]], where: str) -> SourceData:
    """Put pairs of image and label files together, in the order given.

    Args:
        parts: files of images and labels of each part; with a test part the split is the source's.
        where: what messages call the whole.

    Raises:
        SourceError: a header is wrong, labels are damaged or fewer or more than images, or two
            parts differ in the shape or type of their images.
    """
    images = {part: read_idx(paths[0]) for part, paths in parts.items()}
    labels = {part: _read_labels(paths[1]) for part, paths in parts.items()}
    for part, stored in images.items():
        require_equal_counts(stored.rows, len(labels[part]), stored.where, str(parts[part][1]))
    flat = next((stored for stored in images.values() if not stored.shape), None)
    if flat is not None:
        raise SourceError(
            f"{flat.where}: holds a single value for each sample; expected images or rows of "
            "features; check that it is not the file of labels"
        )
    kinds = {part: (stored.shape, stored.dtype) for part, stored in images.items()}
    if len(set(kinds.values())) > 1:
        came = " and ".join(f"{shape} {dtype}" for shape, dtype in kinds.values())
        raise SourceError(
            f"{where}: images of {came}; expected one shape and type in all files; check that they "
            "belong together"
        )
    shape, dtype = kinds["train"]
    numbers, classes = encode_labels(np.concatenate(list(labels.values())), where)
    return SourceData(
        where=where,
        shape=shape,
        ids=[name for part, stored in images.items() for name in numbered(stored.rows, f"{part}/")],
        blocks=joined([stored.blocks for stored in images.values()]),
        labels=numbers,
        classes=classes,
        given=[part for part in labels for _ in labels[part]] if len(parts) > 1 else None,
        bounds=bounds_of(dtype),
    )


def read_idx(path: Path) -> StoredArray:
    """Read the header of an IDX file.

    Raises:
        SourceError: the magic number is wrong, the header ends early, or a plain file does not
            have the length that the header declares.
    """
    with _opened(path) as stream:
        start = _read(stream, 4, path)
        if start[:2] != b"\0\0" or start[2] not in TYPES or not 1 <= start[3] <= DIMENSIONS:
            raise SourceError(
                f"{path}: starts with {start.hex(' ')}; expected 00 00, a type (08 to 0e) and the "
                f"number of dimensions, 1 to {DIMENSIONS}; {AGAIN}"
            )
        size = 4 * start[3]
        shape = struct.unpack(f">{start[3]}I", _read(stream, size, path))
    dtype, offset = np.dtype(TYPES[start[2]]), 4 + size
    length, expected = path.stat().st_size, offset + prod(shape) * dtype.itemsize
    if path.suffix != ".gz" and length != expected:  # the length inside a .gz shows at its end
        raise SourceError(
            f"{path}: {length} bytes; its header declares {' x '.join(map(str, shape))} elements, "
            f"which take {expected}; {AGAIN}"
        )
    require_bounded(str(path), length, expected)
    row = shape[1:] if len(shape) == 1 else sample_shape(shape, str(path))
    return StoredArray(str(path), shape[0], row, dtype, lambda: _opened(path, offset))


def _read_labels(path: Path) -> Array:
    stored = read_idx(path)
    if stored.shape:
        raise SourceError(
            f"{path}: holds samples of shape {stored.shape}; expected one label for each image; "
            "check that it is the file of labels"
        )
    return stored.load()


@contextmanager
def _opened(path: Path, offset: int = 0) -> Iterator[IO[bytes]]:
    """Open a file, gzipped or not, at ``offset`` of its content."""
    with cast(IO[bytes], gzip.open(path) if path.suffix == ".gz" else path.open("rb")) as stream:
        stream.seek(offset)
        yield stream


def _read(stream: IO[bytes], count: int, path: Path) -> bytes:
    try:
        content = stream.read(count)
    except DAMAGED as error:
        raise SourceError(f"{path}: cannot be read ({error}); {AGAIN}") from None
    if len(content) < count:
        raise SourceError(f"{path}: ends within its header; expected an IDX file; {AGAIN}")
    return content
