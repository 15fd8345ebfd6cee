"""Which bytes a declared source is, so that new data can be told from old."""

from pathlib import Path
from typing import assert_never

from aepipe.errors import SourceError
from aepipe.files import digest_files
from aepipe.params.data import (
    ConvexSource,
    Data,
    DigitsSource,
    FolderSource,
    IdxSource,
    NpzSource,
    PairsSource,
    RectanglesSource,
    SeriesSource,
    Source,
    TableSource,
    TorchvisionSource,
    VariantSource,
)


def source_digest(config: Source, root: Path = Path()) -> str | None:
    """Give one checksum of the names and contents of the files that a source is read from.

    Every byte is read. Where the files lie is not part of it: of a folder their names below it
    count, of a file its own name. Hidden files don't count, which no source reads.

    Args:
        config: the section ``data.source``.
        root: folder that relative paths start from.

    Returns:
        None for what can't change: embedded, generated, or published with its own checksums.

    Raises:
        SourceError: it is not there.
    """
    place = _place(config)
    if place is None:
        return None
    path = root / place
    if path.is_file():
        return digest_files(path.parent, [path])
    found = (each for each in path.rglob("*") if each.is_file())
    files = [each for each in found if not _is_hidden(each.relative_to(path))]
    if not files:
        raise SourceError(f"{path}: nothing is there; expected the data; set data.source to them")
    return digest_files(path, files)


def require_digest(data: Data) -> None:
    """Hold the source's files against ``data.source_digest``, where that is declared.

    Raises:
        SourceError: they are others, or there are none.
    """
    if data.source_digest is None:
        return
    found = source_digest(data.source)
    if found is None:
        raise SourceError(
            f"data.source_digest: a source of kind {data.source.kind} can't change; remove the key"
        )
    if found != data.source_digest:
        raise SourceError(
            f"{_place(data.source)}: its files have the checksum {found}, and data.source_digest "
            f"declares {data.source_digest}; bring back the files that were meant, or declare "
            "these by setting it to their checksum"
        )


def _place(config: Source) -> str | None:
    """Give the file or folder that a source is read from."""
    match config:
        case DigitsSource() | RectanglesSource() | ConvexSource() | TorchvisionSource():
            return None
        case NpzSource() | TableSource() | FolderSource() | PairsSource():
            return config.path
        case IdxSource():
            return config.folder
        case SeriesSource():
            return _place(config.file)
        case VariantSource():
            return _place(config.of)
        case _:
            assert_never(config)


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
