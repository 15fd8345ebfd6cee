"""Files that are whole or absent, and whose bytes depend on their content alone."""

import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

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
    advice: dict[int | None, str] = {
        errno.ENOSPC: "no space left; free some (`dvc gc --workspace` removes unused cache)",
        errno.EDQUOT: "the disk quota is used up; free some space",
        errno.EACCES: "no permission; check the owner and mode of it and of its folder",
        errno.EPERM: "no permission; check the owner and mode of it and of its folder",
        errno.ENOTDIR: "a file lies where a folder is needed; name another place",
        errno.EEXIST: "a file lies where a folder is needed; name another place",
        errno.EISDIR: "a folder lies where a file is needed; name another place",
        errno.EFBIG: "more than the limit of a file's size; raise it (`ulimit -f`)",
        errno.EROFS: "the file system is read-only; run in a folder that can be written",
    }
    try:
        yield
    except Exception as error:
        reason = advice.get(_refusal(error))
        if reason is None:
            raise
        where = getattr(error, "filename", None) or ", ".join(map(str, targets))
        raise StorageError(f"{where}: {reason}; nothing was overwritten") from error


def _refusal(error: Exception) -> int | None:
    """Give the errno behind ``error``, which some libraries hand on as text or not at all."""
    by_safetensors = re.search(r"\(os error (\d+)\)", str(error))
    if by_safetensors:
        return int(by_safetensors[1])
    if re.fullmatch(r"\d+ requested and \d+ written", str(error)):
        return errno.ENOSPC  # numpy.save, of an array that the disk has no room for
    return error.errno if isinstance(error, OSError) else None


def remove(path: Path) -> None:
    """Remove a file or folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif path.is_symlink() or path.exists():  # a read-only disk refuses even what is not there
        path.unlink(missing_ok=True)


def lock(file: IO[bytes], path: Path) -> bool:
    """Try to become the only one at an open file, until it is closed or the process is gone.

    Another may be; or it may just have removed what has this name.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except (BlockingIOError, FileNotFoundError):
        return False


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
    except OSError as error:
        raise ArtifactError(
            f"{path}: cannot be read ({error.strerror}); expected a file that `dvc repro` made"
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
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
            f"{path}: format {version!r}, expected {FORMAT}: another version of aepipe wrote it; "
            "make it again with `dvc repro`, or read it with that version"
        )
    return dict(described)


def digest_files(folder: Path, files: Iterable[Path]) -> str:
    """Give one checksum of the contents of ``files`` and of their names below ``folder``."""
    whole = hashlib.blake2b(digest_size=16)
    for name, path in sorted((path.relative_to(folder).as_posix(), path) for path in files):
        with path.open("rb") as file:
            content = hashlib.file_digest(file, hashlib.blake2b)
        whole.update(f"{name}\0{content.hexdigest()}\n".encode())
    return whole.hexdigest()
