"""What is noted about a run beside its figures: parameters, revision, device, small files."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from pydantic_core import to_jsonable_python

from aepipe.command import Call
from aepipe.errors import ArtifactError
from aepipe.models.digest import model_digest

KEY_LENGTH = 250  # MLflow's limits, in characters
VALUE_LENGTH = 6000
FILE_BYTES = 2**20  # a JSON file above this is data, not a description


def parameters(call: Call) -> dict[str, Any]:
    """Give the values that the stage reads from ``params.yaml``, as plain JSON values."""
    return {f.name: to_jsonable_python(getattr(call.params, f.name)) for f in fields(call.params)}


def flattened(values: Mapping[str, Any]) -> dict[str, str]:
    """Turn nested values into MLflow's parameters: dotted keys, text values, both within limits."""
    return {safe_key(key): text[:VALUE_LENGTH] for key, text in _leaves("", values)}


def safe_key(name: str) -> str:
    """Turn any name into one that MLflow takes for parameters and figures."""
    return re.sub(r"[^\w.\- ]", "_", name)[:KEY_LENGTH]


def _leaves(prefix: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _leaves(f"{prefix}.{key}" if prefix else str(key), item)
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        for number, item in enumerate(value):
            yield from _leaves(f"{prefix}.{number}", item)
    else:
        yield prefix, value if isinstance(value, str) else json.dumps(value)


def revision_tags(root: Path) -> dict[str, str]:
    """Give the git revision of ``root`` and whether files differ from it; nothing outside git."""
    # dvc.lock is what the pipeline itself writes, stage by stage
    changed = ["git", "status", "--porcelain", "--untracked-files=normal", "--", ".", ":!dvc.lock"]
    try:
        revision = _output(["git", "rev-parse", "HEAD"], root)
        dirty = _output(changed, root) != ""
    except (OSError, subprocess.CalledProcessError):
        return {}
    return {"aepipe.git_revision": revision, "aepipe.git_dirty": str(dirty).lower()}


def _output(command: list[str], root: Path) -> str:
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def device() -> str:
    """Name what the stage computes on."""
    if "torch" not in sys.modules:
        return "cpu"  # a stage that does without torch must not import it for this
    from aepipe.training.device import choose_device

    return str(choose_device())


def small_files(outputs: Any) -> dict[str, str]:
    """Give the JSON files among a stage's outputs: ``FIELD/path`` and text."""
    found: dict[str, str] = {}
    for f in fields(outputs):
        folder: Path = getattr(outputs, f.name)
        for path in sorted(folder.rglob("*.json")):
            if path.stat().st_size <= FILE_BYTES:
                name = f"{f.name}/{path.relative_to(folder).as_posix()}"
                found[name] = path.read_text(encoding="utf-8")
    return found


def weights_tags(outputs: Any) -> dict[str, str]:
    """Give the checksum of the networks among a stage's outputs, by which their run is found."""
    folders: list[Path] = [getattr(outputs, f.name) for f in fields(outputs)]
    try:
        return {"aepipe.digest": model_digest(next(iter(folders)))}
    except ArtifactError:
        return {}  # not every stage trains
