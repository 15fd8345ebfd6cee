"""Archives of plain arrays: for all samples, for two parts, or clean with noisy versions.

Members are read block by block, compressed or not, so that an archive larger than memory can be
read. Nothing is ever unpickled.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from math import prod
from pathlib import Path
from typing import IO
from zipfile import ZipFile, is_zipfile

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from aepipe.data.dataset import NUMBERS, Split
from aepipe.data.parts import UNREADABLE, Array
from aepipe.data.sources.source import (
    SourceData,
    bounds_of,
    encode_labels,
    joined,
    numbered,
    require_equal_counts,
    require_file,
    sample_shape,
)
from aepipe.data.sources.stream import DAMAGED, StoredArray, require_bounded
from aepipe.errors import SourceError
from aepipe.params.data import NpzSource, PairsSource

HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def open_npz(config: NpzSource) -> SourceData:
    """Open an archive of features, with the source's own test part where it is declared.

    Raises:
        SourceError: it is not such an archive, or its arrays do not belong together.
    """
    path = _archive(config.path)
    parts: dict[Split, StoredArray] = {"train": read_features(path, config.features)}
    names: dict[Split, str | None] = {"train": config.labels}
    if config.test_features is not None:
        parts["test"] = read_features(path, config.test_features)
        names["test"] = config.test_labels
    kinds = {part: f"{stored.shape} {stored.dtype}" for part, stored in parts.items()}
    if len(set(kinds.values())) > 1:
        raise SourceError(
            f"{path}: samples of {kinds['train']} in {config.features!r} but of {kinds['test']} in "
            f"{config.test_features!r}; expected the same shape and type in both"
        )
    labels, classes = _labels(path, parts, names)
    split = len(parts) > 1
    return SourceData(
        where=str(path),
        shape=parts["train"].shape,
        ids=[
            name
            for part, stored in parts.items()
            for name in numbered(stored.rows, f"{part}/" if split else "")
        ],
        blocks=joined([stored.blocks for stored in parts.values()]),
        labels=labels,
        classes=classes,
        given=[part for part, stored in parts.items() for _ in range(stored.rows)]
        if split
        else None,
        bounds=config.bounds or bounds_of(parts["train"].dtype),
    )


def open_pairs(config: PairsSource) -> SourceData:
    """Open an archive of clean samples and their noisy versions.

    Raises:
        SourceError: it is not such an archive, or its arrays do not belong together.
    """
    path = _archive(config.path)
    clean, noisy = read_features(path, config.clean), read_features(path, config.noisy)
    if (clean.rows, clean.shape) != (noisy.rows, noisy.shape):
        raise SourceError(
            f"{path}: {config.clean!r} has {clean.rows} samples of shape {clean.shape}, "
            f"{config.noisy!r} {noisy.rows} of {noisy.shape}; expected a noisy version of the same "
            "shape for each clean sample"
        )
    labels, classes = _labels(path, {"train": clean}, {"train": config.labels})
    groups, _ = _labels(path, {"train": clean}, {"train": config.groups})
    return SourceData(
        where=str(path),
        shape=clean.shape,
        ids=numbered(clean.rows),
        blocks=clean.blocks,
        labels=labels,
        classes=classes,
        groups=groups,
        bounds=config.bounds or bounds_of(clean.dtype),
        noisy=noisy.blocks,
    )


def read_features(path: Path, name: str) -> StoredArray:
    """Read the header of an array of numbers, and take its rows for samples.

    Raises:
        SourceError: it is missing, holds a pickle, or is no array of samples.
    """
    stored = read_member(path, name)
    if stored.dtype.kind not in NUMBERS:
        raise SourceError(
            f"{path}: {name!r} is of type {stored.dtype}; expected numbers; save it as such"
        )
    shape = sample_shape((stored.rows, *stored.shape), f"{path}: {name!r}")
    return StoredArray(stored.where, stored.rows, shape, stored.dtype, stored.open)


def read_member(path: Path, name: str) -> StoredArray:
    """Read the header of any array of an archive.

    Raises:
        SourceError: it is missing, damaged, holds a pickle, or is a single value.
    """
    with ZipFile(path) as archive:
        names = [member.removesuffix(".npy") for member in archive.namelist()]
        if name not in names:
            raise SourceError(
                f"{path}: no array {name!r}; it holds {', '.join(names) or 'nothing'}; "
                "set data.source to names of these"
            )
        member = archive.getinfo(f"{name}.npy")
    length, where = member.file_size, f"{path}: {name!r}"
    require_bounded(where, member.compress_size, length)
    try:
        with _member(path, name) as stream:
            version = npy.read_magic(stream)
            if version not in HEADERS:
                raise ValueError(f"version {version} of the format, and 1.0 and 2.0 are known")
            shape, fortran, dtype = HEADERS[version](stream)
            offset = stream.tell()
    except (*DAMAGED, *UNREADABLE, KeyError, RuntimeError) as error:
        raise SourceError(
            f"{where}: not a plain array ({str(error).splitlines()[0]}); expected one that "
            "numpy.savez wrote; a pickle is never read, for it can run code"
        ) from None
    if dtype.hasobject:
        raise SourceError(
            f"{where}: holds a pickle (Python objects), which is never read, for it can run code; "
            "expected numbers or text; save it as array.astype(float) or array.astype(str)"
        )
    if not shape:
        raise SourceError(f"{where}: a single value; expected one row for each sample")
    expected = offset + prod(shape) * dtype.itemsize
    if length != expected:
        raise SourceError(
            f"{where}: {length} bytes; its header declares {shape} {dtype}, which take {expected}; "
            "write the archive again"
        )
    opened = partial(_reordered, path, name) if fortran else partial(_member, path, name, offset)
    return StoredArray(where, shape[0], shape[1:], dtype, opened)


def _archive(declared: str) -> Path:
    path = require_file(Path(declared), "data.source.path")
    if not is_zipfile(path):
        with path.open("rb") as file:
            start = file.read(4)
        raise SourceError(
            f"{path}: not a whole zip archive (it starts with {start.hex(' ') or 'nothing'}); "
            "expected what numpy.savez writes; write it again, or declare another kind in "
            "data.source"
        )
    return path


def _labels(
    path: Path, parts: dict[Split, StoredArray], names: dict[Split, str | None]
) -> tuple[NDArray[np.int64] | None, list[str]]:
    """Read the labels of all parts in order, if there are any."""
    given = {part: name for part, name in names.items() if name is not None}
    if not given:
        return None, []
    if len(given) < len(parts):
        raise SourceError(
            f"{path}: data.source declares labels of {', '.join(given)} alone; expected labels or "
            f"test_labels null for all of {', '.join(parts)} or for none"
        )
    arrays: list[Array] = []
    for part, name in given.items():
        stored = read_member(path, name)
        require_equal_counts(parts[part].rows, stored.rows, parts[part].where, stored.where)
        arrays.append(stored.load())
    kinds = {array.dtype.kind for array in arrays}
    if len(kinds & set("UT")) != len(kinds) and kinds & set("UT"):
        raise SourceError(
            f"{path}: text as labels of one part, numbers of the other; expected one kind"
        )
    return encode_labels(np.concatenate(arrays), f"{path}: {', '.join(map(repr, given.values()))}")


@contextmanager
def _member(path: Path, name: str, offset: int = 0) -> Iterator[IO[bytes]]:
    """Open an array of an archive at ``offset`` of its content."""
    with ZipFile(path) as archive, archive.open(f"{name}.npy") as stream:
        stream.seek(offset)
        yield stream


@contextmanager
def _reordered(path: Path, name: str) -> Iterator[IO[bytes]]:
    """Give an array that is stored column by column row by row, which takes all of it at once."""
    with _member(path, name) as stream:
        stored: Array = npy.read_array(stream, allow_pickle=False)
    yield BytesIO(np.ascontiguousarray(stored).tobytes())
