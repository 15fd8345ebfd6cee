"""Whether files are still what ``dvc.lock`` says: disks forget, and DVC does not look.

DVC takes a cached file for sound as long as it is read-only, and links it into the workspace
without reading it. So what a stage reads is compared here before it begins.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from configparser import ConfigParser
from configparser import Error as ConfigError
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from aepipe.errors import ArtifactError
from aepipe.files import remove

LOCK = Path("dvc.lock")
DEFAULT = Path(".dvc", "cache")
CONFIGS = (Path(".dvc/config"), Path(".dvc/config.local"))  # the later one counts
STAGE = "DVC_STAGE"  # DVC sets it in what it runs
CHECKSUM = re.compile(r"[0-9a-f]{32}(\.dir)?")


def require_intact(inputs: Sequence[Path]) -> None:
    """Compare what a stage is about to read; what has rotted is removed, here and in the cache.

    Only where DVC runs the stage. A file that differs from a sound object of the cache has been
    edited, which is its owner's to know.

    Raises:
        ArtifactError: something was damaged; the same command makes it again.
    """
    if STAGE not in os.environ:
        return
    wrong = list(dict.fromkeys(_damaged(inputs)))
    if wrong:
        raise ArtifactError(
            f"{', '.join(map(str, wrong[:5]))}: {len(wrong)} damaged on the disk, and in DVC's "
            "cache; expected what dvc.lock has the checksum of; removed from both, so that the "
            "same command makes it again"
        )


def heal() -> list[str]:
    """Compare all of the cache; remove what is not what its name says, and where it was linked to.

    Returns:
        A line for each damaged object, or one that says how many are sound.
    """
    store = objects()
    stored = [path for path in store.rglob("*") if path.is_file()]
    rotten = {path for path in stored if not is_sound(path)}
    linked = [path for out, digest in _outs() for path, oid in _files(out, digest, store)
              if _object(oid, store) in rotten]  # fmt: skip
    for path in (*linked, *rotten):
        remove(path)
    # a listing that is damaged says nothing of its files, which DVC then finds by itself
    lines = [f"{path}: damaged, and removed" for path in (*linked, *sorted(rotten))]
    return [
        *lines,
        f"{len(stored) - len(rotten)} of {len(stored)} files in DVC's cache are sound",
    ] + (["`dvc repro` makes again what was removed"] if rotten else [])


def is_sound(path: Path) -> bool:
    """Say whether an object of the cache has the checksum that is its name."""
    named = f"{path.parent.name}{path.name}"
    return not CHECKSUM.fullmatch(named) or _md5(path) == named.removesuffix(".dir")


def _damaged(inputs: Sequence[Path]) -> Iterator[Path]:
    """Remove what has rotted of the files below ``inputs``, and give its path."""
    store = objects()
    for out, digest in _outs():
        if not any(_touch(out, given) for given in inputs):
            continue
        for path, oid in _files(out, digest, store):
            if not path.is_file() or _md5(path) == oid:
                continue
            stored = _object(oid, store)
            if stored.is_file() and not is_sound(stored):  # else somebody has edited it on purpose
                remove(stored)
                remove(path)
                yield path


def _outs() -> list[tuple[Path, str]]:
    """Give the outputs of all stages with their checksums; none while the lock is being written."""
    try:
        stages: Any = YAML(typ="safe").load(LOCK.read_text(encoding="utf-8"))["stages"]
        listed = [out for stage in stages.values() for out in stage.get("outs", [])]
        return [(Path(o["path"]), o["md5"]) for o in listed if CHECKSUM.fullmatch(o["md5"])]
    except (OSError, UnicodeDecodeError, YAMLError, LookupError, TypeError, AttributeError):
        return []


def _files(out: Path, digest: str, store: Path) -> Iterator[tuple[Path, str]]:
    """Give the files of an output with their checksums; none where the cache has no listing."""
    if not digest.endswith(".dir"):
        yield out, digest
        return
    listing = _object(digest, store)
    if listing.is_file() and is_sound(listing):
        for each in json.loads(listing.read_text(encoding="utf-8")):
            yield out / each["relpath"], each["md5"]


def _object(oid: str, store: Path) -> Path:
    return store / oid[:2] / oid[2:]


def objects() -> Path:
    """Give the folder of DVC's cached objects, which may lie outside the repository."""
    config = ConfigParser(strict=False, interpolation=None)
    try:
        config.read(CONFIGS, encoding="utf-8")
    except ConfigError:  # DVC has words for that
        return DEFAULT / "files" / "md5"
    place = config.get("cache", "dir", fallback=None)
    return (DEFAULT if place is None else Path(".dvc", place)) / "files" / "md5"


def _touch(first: Path, second: Path) -> bool:
    return first.is_relative_to(second) or second.is_relative_to(first)


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
