"""Samples in files and folders, read a bounded number at a time, whatever their size.

Arrays (``.npy``) are memory-mapped, tables (``.parquet``, ``.csv``) read batch by batch, images
decoded one by one; nothing is ever unpickled.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, final

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from aepipe.consume.samples import EXAMPLES, expected
from aepipe.data.dataset import SPLITS, Dataset, open_dataset
from aepipe.data.parts import UNREADABLE as UNREADABLE_ARRAY
from aepipe.data.parts import Array
from aepipe.errors import InputError

KNOWN = (
    "expected an array (.npy), a table (.parquet, .csv), a folder of images, or a folder with "
    "dataset.json as ingest writes it"
)
UNREADABLE = (pa.ArrowInvalid, pa.ArrowKeyError, OSError)


@final
@dataclass(frozen=True, slots=True)
class Batch:
    """Some samples in a row.

    Attributes:
        samples: ``(n, ...)``, not checked yet.
        kept: what goes along with them into a table, each ``(n,)``.
    """

    samples: Array
    kept: Mapping[str, Any] = field(default_factory=dict)


@final
@dataclass(frozen=True, slots=True)
class Input:
    """Samples that wait to be read.

    Attributes:
        where: what messages call them.
        rows: how many there are; None where only reading them tells.
        batches: goes through them once, at most the given number at a time.
    """

    where: str
    rows: int | None
    batches: Callable[[int], Iterator[Batch]]


def open_input(path: Path, dataset: Dataset, keep: Sequence[str]) -> Input:
    """Open samples by what lies at ``path``.

    Args:
        path: see :data:`KNOWN`.
        dataset: whose samples they are to be like.
        keep: columns of a table that go along into the output.

    Raises:
        InputError: there is nothing, or nothing that is known; or ``keep`` has no table.
    """
    table = path.suffix in (".parquet", ".csv")
    if keep and not table:
        raise InputError(f"{path}: --keep names columns of a table; expected .parquet or .csv")
    if path.is_dir():
        return _stored(path) if (path / "dataset.json").is_file() else _images(path, dataset)
    if not path.is_file():
        raise InputError(f"{path}: no such file or folder; {KNOWN}")
    match path.suffix:
        case ".npy":
            return _array(path)
        case ".parquet":
            return _parquet(path, dataset, keep)
        case ".csv":
            return _csv(path, dataset, keep)
        case other:
            raise InputError(f"{path}: suffix {other!r}; {KNOWN}")


def _array(path: Path) -> Input:
    try:
        array: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    except UNREADABLE_ARRAY as error:
        raise InputError(f"{path}: not a plain array ({error}); {KNOWN}") from None
    if not array.ndim:
        raise InputError(f"{path}: a single value; expected one row for each sample")

    def batches(rows: int) -> Iterator[Batch]:
        for start in range(0, len(array), rows):
            yield Batch(array[start : start + rows])

    return Input(str(path), len(array), batches)


def _stored(folder: Path) -> Input:
    """Open the project's own dataset: all splits, with the id and split of each sample."""
    dataset = open_dataset(folder)

    def batches(rows: int) -> Iterator[Batch]:
        for split in SPLITS:
            ids, start = dataset.ids(split), 0
            for block in dataset.features(split).blocks(rows):
                names = ids[start : start + len(block)]
                yield Batch(block, {"id": names, "split": np.full(len(block), split)})
                start += len(block)

    return Input(str(folder), sum(dataset.counts.values()), batches)


def _images(folder: Path, dataset: Dataset) -> Input:
    """List the images at any depth; each has to be of the dataset's size, for none is resized."""
    from aepipe.data.sources.folder import SUFFIXES, open_image

    if not dataset.is_image:
        raise InputError(f"{folder}: a folder, and the model takes no images; {expected(dataset)}")
    found = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    paths = sorted(path for path in found if not path.name.startswith("."))
    if not paths:
        raise InputError(f"{folder}: holds no image ({', '.join(sorted(SUFFIXES))}); {KNOWN}")
    channels, height, width = dataset.shape

    def read(path: Path) -> Array:
        image = open_image(path, channels)
        if image.size != (width, height):
            raise InputError(
                f"{path}: {image.width} x {image.height} pixels; expected {width} x {height}; "
                "resize it as the training's were"
            )
        return np.asarray(image, np.uint8).reshape(height, width, -1).transpose(2, 0, 1)

    def batches(rows: int) -> Iterator[Batch]:
        for start in range(0, len(paths), rows):
            some = paths[start : start + rows]
            names = np.array([path.relative_to(folder).as_posix() for path in some])
            yield Batch(np.stack([read(path) for path in some]), {"file": names})

    return Input(str(folder), len(paths), batches)


def _parquet(path: Path, dataset: Dataset, keep: Sequence[str]) -> Input:
    try:
        with pyarrow.parquet.ParquetFile(path, memory_map=True) as file:
            names, rows = file.schema_arrow.names, file.metadata.num_rows
    except UNREADABLE as error:
        raise InputError(f"{path}: not a readable parquet file ({error}); {KNOWN}") from None
    features = _features(path, names, dataset, keep)

    def batches(rows: int) -> Iterator[pa.RecordBatch]:
        with pyarrow.parquet.ParquetFile(path, memory_map=True) as file:
            yield from file.iter_batches(batch_size=rows, columns=[*features, *keep])

    return Input(str(path), rows, partial(_rows, path, batches, features, keep))


def _csv(path: Path, dataset: Dataset, keep: Sequence[str]) -> Input:
    try:
        with _opened(path, {}) as reader:
            names = reader.schema.names
    except UNREADABLE as error:
        raise InputError(f"{path}: not a readable csv file ({error}); {KNOWN}") from None
    features = _features(path, names, dataset, keep)
    types = dict.fromkeys(features, pa.float64()) | dict.fromkeys(keep, pa.string())

    def batches(rows: int) -> Iterator[pa.RecordBatch]:
        with _opened(path, types) as reader:
            for block in reader:
                for start in range(0, block.num_rows, rows):
                    yield block.slice(start, rows)

    return Input(str(path), None, partial(_rows, path, batches, features, keep))


def _opened(path: Path, types: Mapping[str, pa.DataType]) -> Any:
    convert = pyarrow.csv.ConvertOptions(
        column_types=dict(types), include_columns=list(types), null_values=[""]
    )
    return pyarrow.csv.open_csv(path, convert_options=convert)


def _features(path: Path, names: Sequence[str], dataset: Dataset, keep: Sequence[str]) -> list[str]:
    """Give the columns that are features, in the order of the dataset.

    Raises:
        InputError: columns are missing, or there are not as many as features.
    """
    absent = [name for name in (*keep, *dataset.columns) if name not in names]
    if absent:
        raise InputError(
            f"{path}: lacks {len(absent)} of the columns, {', '.join(absent[:EXAMPLES])}"
            f"{', ...' if len(absent) > EXAMPLES else ''}; it has {', '.join(names[:EXAMPLES])}"
            f"{', ...' if len(names) > EXAMPLES else ''}; rename or add them"
        )
    if dataset.columns:
        return list(dataset.columns)  # by name; what else there is, is let be
    features = [name for name in names if name not in keep]
    if len(features) != dataset.size:
        raise InputError(
            f"{path}: {len(features)} columns; expected {dataset.size}, one for each feature of "
            f"samples {dataset.shape}; name others with --keep, or remove them"
        )
    return features


def _rows(
    path: Path,
    batches: Callable[[int], Iterator[pa.RecordBatch]],
    features: Sequence[str],
    keep: Sequence[str],
    rows: int,
) -> Iterator[Batch]:
    """Put the features of each batch beside each other, ``(n, features)``; an empty cell is NaN."""
    start = 0
    try:
        for batch in batches(rows):
            columns = [batch[name].to_numpy(zero_copy_only=False) for name in features]
            yield Batch(np.column_stack(columns), {name: batch[name] for name in keep})
            start += batch.num_rows
    except UNREADABLE as error:
        raise InputError(
            f"{path}: cannot be read after row {start} ({error}); expected numbers in each column "
            "that is a feature"
        ) from None
