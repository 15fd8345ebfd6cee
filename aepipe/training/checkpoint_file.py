"""A checkpoint on the disk: tensors, with JSON among the file's metadata, for any kind of state.

Whose work a file belongs to, and that it is whole, is for :mod:`aepipe.checkpoints` to say; what
is in it, for the modules that have a state to keep.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from aepipe.errors import ArtifactError, StorageError
from aepipe.monitor import Monitor


def take_up(read: Callable[[Path], None], found: Iterator[Path], monitor: Monitor) -> bool:
    """Read the newest usable one of the ``found`` files; say whether there is one.

    Args:
        read: puts a state where a file left off, or raises an ``ArtifactError``.
        found: the newest first.
        monitor: is warned of each that is not usable.
    """
    for path in found:
        try:
            read(path)
        except ArtifactError as error:
            monitor.warn(f"{error}; it is not used")
            continue
        return True
    return False


def write_file(
    path: Path, entry: str, described: Mapping[str, Any], tensors: Mapping[str, Tensor]
) -> None:
    """Write ``tensors``, and what is ``described`` under the name ``entry``.

    Raises:
        StorageError: the disk refuses.
    """
    # imported here and below, so that a training without checkpoints needs torch alone
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        save_file(plain, path, {entry: json.dumps(described)})
    except SafetensorError as error:
        raise StorageError(f"{path}: {error}") from None


def read_file(
    path: Path, entry: str, setting: Mapping[str, Any], whose: str
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read what is described, and the tensors.

    Args:
        path: of the file.
        entry: under which it is described.
        setting: what has to be equal for the file to be used.
        whose: what the file is to be a checkpoint of.

    Raises:
        ArtifactError: the file is no checkpoint, none of that kind, or of another setting.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            described = json.loads((file.metadata() or {}).get(entry, "null"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, json.JSONDecodeError) as error:
        raise ArtifactError(f"{path}: no checkpoint ({error})") from None
    if not isinstance(described, dict) or "format" not in described:
        raise ArtifactError(f"{path}: no checkpoint of a {whose}")
    for key, expected in setting.items():
        if described.get(key) != expected:
            raise ArtifactError(
                f"{path}: a checkpoint of {key} {described.get(key)}, and this is {expected}"
            )
    return described, tensors


def tell(epoch: int, batches: int, monitor: Monitor) -> None:
    """Say where a training goes on."""
    monitor.remark(f"goes on from a checkpoint, in epoch {epoch} after {batches} batches")
