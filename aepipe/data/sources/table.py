"""Tables, one row per sample: text (csv) or parquet.

A csv file is parsed whole, for text has no other way; parquet is read batch by batch.
"""

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from aepipe.data.dataset import SPLITS, Split
from aepipe.data.parts import Array
from aepipe.data.sources.source import (
    Blocks,
    SourceData,
    bounds_of,
    encode_labels,
    numbered,
    require_file,
)
from aepipe.errors import SourceError
from aepipe.params.data import TableSource

KEY = "data.source.path"
Empty = Literal["refuse", "nan"]  # what becomes of an empty cell
DUPLICATES = 5  # shown of repeated column names


def open_csv(config: TableSource, empty: Empty = "refuse") -> SourceData:
    """Read a csv file with a header line; its features become float64, for text has no type.

    Args:
        config: the section.
        empty: whether empty cells of features are refused, or given as NaN.

    Raises:
        SourceError: a row is ragged, a cell is not a number or empty where that is refused, or a
            declared column is missing.
    """
    path = require_file(Path(config.path), KEY)
    names = _header(path)
    features = _features(config, names, path)
    types = {name: pa.string() for name in names} | {name: pa.float64() for name in features}
    convert = pyarrow.csv.ConvertOptions(
        column_types=types,
        null_values=[""],  # by default a class named NA would be none
        strings_can_be_null=True,
    )
    try:
        table = pyarrow.csv.read_csv(
            path,
            read_options=pyarrow.csv.ReadOptions(use_threads=False),  # else errors name no row
            convert_options=convert,
        )
    except (pa.ArrowInvalid, OSError) as error:
        raise SourceError(
            f"{path}: {_printable(error)} (row 1 is the header, column 0 the first); expected the "
            "same number of cells in each row, numbers but for the columns that data.source "
            "declares; mend the row, or add the column to data.source.ignore"
        ) from None

    def batches(rows: int) -> Iterator[pa.RecordBatch]:
        yield from table.select(features).to_batches(max_chunksize=rows)

    blocks = partial(_blocks, batches, np.dtype(np.float64), path, empty)
    return _describe(config, path, (table, blocks), features, None)


def open_parquet(config: TableSource, empty: Empty = "refuse") -> SourceData:
    """Open a parquet file; its features get the narrowest type that holds all their columns.

    Args:
        config: the section.
        empty: whether empty cells of features are refused, or given as NaN.

    Raises:
        SourceError: it is damaged, a feature is not a number, or a declared column is missing.
    """
    path = require_file(Path(config.path), KEY)
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            schema = file.schema_arrow
            features = _features(config, schema.names, path)
            declared = [name for name in schema.names if name in _roles(config).values()]
            # without any declared column, one of the features still tells the number of rows
            table = file.read(columns=declared or features[:1])
    except (pa.ArrowInvalid, OSError) as error:
        raise SourceError(
            f"{path}: not a readable parquet file ({error}); write it again, or declare the kind "
            "that it is in data.source"
        ) from None
    text = [name for name in features if not _is_number(schema.field(name).type)]
    if text:
        raise SourceError(
            f"{path}: column {text[0]!r} is of type {schema.field(text[0]).type}; expected numbers "
            "where data.source declares nothing else; add it to data.source.ignore"
        )
    types = [schema.field(name).type.to_pandas_dtype() for name in features]
    dtype = np.result_type(*types, *([np.float32] if empty == "nan" else []))

    def batches(rows: int) -> Iterator[pa.RecordBatch]:
        with pyarrow.parquet.ParquetFile(path) as opened:
            yield from opened.iter_batches(batch_size=rows, columns=features)

    blocks = partial(_blocks, batches, dtype, path, empty)
    bounds = bounds_of(dtype) if dtype == np.bool_ else None  # bytes of a table may be any count
    return _describe(config, path, (table, blocks), features, bounds)


def _describe(
    config: TableSource,
    path: Path,
    content: tuple[pa.Table, Blocks],
    features: list[str],
    bounds: tuple[float, float] | None,
) -> SourceData:
    table, blocks = content
    if not table.num_rows:
        raise SourceError(f"{path}: a header and no rows; expected one row for each sample")
    columns = {role: _column(table, name, path) for role, name in _roles(config).items()}
    labels, classes = None, list[str]()
    if "label" in columns:
        labels, classes = encode_labels(columns["label"], f"{path}: column {config.label!r}")
    groups = columns.get("group")
    return SourceData(
        where=str(path),
        shape=(len(features),),
        ids=numbered(table.num_rows),
        blocks=blocks,
        labels=labels,
        classes=classes,
        given=_given(columns["split"], config.split, path) if "split" in columns else None,
        groups=None if groups is None else np.unique(groups, return_inverse=True)[1],
        bounds=config.bounds or bounds,
        columns=features,
    )


def _roles(config: TableSource) -> dict[str, str]:
    """Columns that are not features, by what they are."""
    declared = {"label": config.label, "group": config.group, "split": config.split}
    return {role: name for role, name in declared.items() if name is not None}


def _header(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            names = next(csv.reader(file), [])
    except (UnicodeDecodeError, OSError, csv.Error) as error:
        raise SourceError(
            f"{path}: cannot be read as text ({error}); expected UTF-8; save it as such"
        ) from None
    if not names:
        raise SourceError(f"{path}: empty; expected a header line and one row for each sample")
    return names


def _features(config: TableSource, names: list[str], path: Path) -> list[str]:
    """Give the columns that are features, in the order of the table."""
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise SourceError(
            f"{path}: columns named twice: {', '.join(twice[:DUPLICATES])}; expected each "
            "once; rename them, or put a line with names first"
        )
    taken = {**{f"ignore {name!r}": name for name in config.ignore}, **_roles(config)}
    for role, name in taken.items():
        if name not in names:
            raise SourceError(
                f"{path}: no column {name!r}, which data.source declares as {role.split()[0]}; its "
                f"columns are {', '.join(names[:20])}{', ...' if len(names) > 20 else ''}; "
                "expected a comma between two names; mend the name there or here"
            )
    features = [name for name in names if name not in set(taken.values())]
    if not features:
        raise SourceError(f"{path}: every column is declared as something else; expected features")
    return features


def _printable(error: Exception) -> str:
    """Give a message that quotes a file, with nothing in it that a terminal would obey."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in str(error))


def _is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    )


def _column(table: pa.Table, name: str, path: Path) -> Array:
    """Read one of the declared columns, none of whose cells may be empty."""
    column = table[name]
    if pa.types.is_nested(column.type):
        raise SourceError(
            f"{path}: column {name!r} is of type {column.type}; expected a number or text in each "
            "row; take it apart, or declare another column"
        )
    if column.null_count:
        first = column.is_null().to_pylist().index(True)
        raise SourceError(
            f"{path}: column {name!r} is empty in {column.null_count} of {len(column)} rows, "
            f"first in row {first} of the samples; expected a value in each; fill it or remove them"
        )
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    values: Array = column.to_numpy()
    return values.astype(str) if values.dtype == np.object_ else values


def _given(values: Array, name: str | None, path: Path) -> list[Split]:
    unknown = sorted(set(values.tolist()) - set(SPLITS), key=str)
    if unknown:
        raise SourceError(
            f"{path}: column {name!r} says {', '.join(map(repr, unknown[:5]))}; expected "
            f"{', '.join(SPLITS)}; rename them in the table"
        )
    known = {split: split for split in SPLITS}
    return [known[value] for value in values]


def _blocks(
    batches: Callable[[int], Iterator[pa.RecordBatch]],
    dtype: np.dtype[Any],
    path: Path,
    empty: Empty,
    rows: int,
) -> Iterator[Array]:
    """Put the columns of each batch beside each other, ``(n, features)``."""
    start = 0
    try:
        for batch in batches(rows):
            for name in batch.schema.names:
                if batch[name].null_count and empty == "refuse":
                    row = start + batch[name].is_null().to_pylist().index(True)
                    raise SourceError(
                        f"{path}: column {name!r} is empty in row {row} of the samples; expected a "
                        "number; fill it, remove the row, or add the column to data.source.ignore"
                    )
            columns = [column.to_numpy(zero_copy_only=False) for column in batch.columns]
            yield np.column_stack(columns).astype(dtype, copy=False)
            start += batch.num_rows
    except (pa.ArrowInvalid, OSError) as error:
        raise SourceError(f"{path}: damaged after row {start} ({error}); write it again") from None
