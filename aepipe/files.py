"""Files that are whole or absent, and whose bytes depend on their content alone."""

import errno
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aepipe.errors import ArtifactError, StorageError

FORMAT = 1  # of every JSON file that describes a folder; raised when an old reader would misread


@contextmanager
def all_or_nothing(targets: Sequence[Path]) -> Iterator[list[Path]]:
    """Lend a path beside each of ``targets``; rename all of them once the block has succeeded.

    A target thus never carries a half-written output. What a killed run left beside it is removed
    by the next one.

    Raises:
        StorageError: the disk is full, read-only or closed to us; nothing is left behind.
        ArtifactError: the block ended without having written one of them.
    """
    lent = [target.with_name(f".{target.name}.partial") for target in targets]
    try:
        with explained(targets):
            for path in lent:
                path.parent.mkdir(parents=True, exist_ok=True)
                remove(path)
            yield lent
            for path, target in zip(lent, targets, strict=True):
                if not path.exists():
                    raise ArtifactError(f"{target}: the stage ended without writing it")
            for path, target in zip(lent, targets, strict=True):
                remove(target)
                path.rename(target)
    finally:
        for path in lent:
            remove(path)


@contextmanager
def explained(targets: Sequence[Path]) -> Iterator[None]:
    """Turn the disk's refusals inside the block into a :class:`StorageError`."""
    advice = {
        errno.ENOSPC: "no space left; free some (`dvc gc --workspace` removes unused cache)",
        errno.EDQUOT: "the disk quota is used up; free some space",
        errno.EACCES: "no permission to write; check the owner and mode of the folder",
        errno.EPERM: "no permission to write; check the owner and mode of the folder",
        errno.EROFS: "the file system is read-only; run in a folder that can be written",
    }
    try:
        yield
    except OSError as error:
        if error.errno not in advice:
            raise
        where = error.filename or ", ".join(map(str, targets))
        raise StorageError(f"{where}: {advice[error.errno]}; nothing was overwritten") from error


def remove(path: Path) -> None:
    """Remove a file or folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    """Write ``content`` so that equal content gives equal bytes (key order is kept, no NaN)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())


def read_json(path: Path) -> Any:
    """Read a JSON file of the pipeline's own.

    Raises:
        ArtifactError: it is missing or not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ArtifactError(f"{path}: no such file; `dvc repro` makes it") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ArtifactError(
            f"{path}: not JSON ({error}); remove it and run `dvc checkout` or `dvc repro`"
        ) from None


def read_description(path: Path) -> dict[str, Any]:
    """Read a JSON file that describes a folder, and check the version of its format.

    Raises:
        ArtifactError: it is missing, not JSON, or of another version.
    """
    described = read_json(path)
    version = described.get("format") if isinstance(described, dict) else None
    if version != FORMAT:
        raise ArtifactError(
            f"{path}: format {version!r}, expected {FORMAT}; make it again with `dvc repro`"
        )
    return dict(described)
