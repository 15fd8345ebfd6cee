"""Where a version comes from: what is written on it, and the files that are kept with it."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any, final

from aepipe.files import digest_files
from aepipe.params.load import read_yaml
from aepipe.params.text import as_yaml
from aepipe.registry.described import Described
from aepipe.registry.lineage import (
    LOCK,
    PARAMS,
    Step,
    chain,
    chain_params,
    read_lock,
    read_settled,
)
from aepipe.tracking.facts import flattened, revision_tags
from aepipe.tracking.key import LOCK as REQUIREMENTS

OUT = "dvc."  # begins the tag of an output's checksum
METRIC = "metric."
INTERVAL = "interval."
FOLDER = "provenance"  # among a model's files


@final
@dataclass(frozen=True, slots=True)
class Provenance:
    """What a version says of its origin.

    Attributes:
        steps: stages from the data to the model, as ``dvc.lock`` has them.
        tags: of the version.
        params: of the stages in ``steps``: MLflow's parameters.
        files: text by name: the whole of ``params.yaml``, and ``dvc.lock`` as far as ``steps`` go.
    """

    steps: list[Step]
    tags: dict[str, str]
    params: dict[str, str]
    files: dict[str, str]


def trace(model: Described, device: str) -> Provenance:
    """Find out where ``model`` comes from.

    Args:
        model: as it lies on disk.
        device: on which it was trained, as far as is known.

    Raises:
        ParamsError: ``dvc.lock`` or ``params.yaml`` is not YAML.
    """
    steps = chain(read_lock(model.root / LOCK), model.folder)
    params = chain_params(steps)
    files = {}
    if steps:
        files[LOCK.name] = locked(read_settled(model.root / LOCK), steps)
    if (model.root / PARAMS).is_file():
        files[PARAMS] = recipe(read_yaml(model.root / PARAMS), params)
    tags = {
        "aepipe.digest": model.digest,
        "aepipe.kind": model.kind,
        "aepipe.folder": model.folder,
        "aepipe.dataset_digest": str(model.dataset["digest"]),
        "aepipe.stages": json.dumps({step.stage: list(step.outs) for step in steps}),
        "aepipe.device": device,
        "aepipe.packages": json.dumps(packages()),
        **{f"{OUT}{path}": digest for step in steps for path, digest in step.outs.items()},
        **_requirements_tag(model.root),
        **revision_tags(model.root),
        **figure_tags(model),
    }
    return Provenance(steps, tags, flattened(params), files)


def figure_tags(model: Described) -> dict[str, str]:
    """Give what was measured: figures, and their intervals as ``[low, high]``."""
    intervals = {
        f"{INTERVAL}{entry}.{name}": json.dumps([interval["low"], interval["high"]])
        for entry, named in model.intervals.items()
        for name, interval in named.items()
    }
    figures = flattened(model.metrics)
    return {**{f"{METRIC}{key}": value for key, value in figures.items()}, **intervals}


def recipe(declared: Any, params: Mapping[str, Any]) -> str:
    """Give ``params.yaml`` as text, with the values that the stages really had.

    Args:
        declared: the file as it is now, which may have been edited since.
        params: values by dotted key, from ``dvc.lock``.
    """
    for key, value in params.items():
        *path, last = key.split(".")
        node = declared
        for part in path:
            node = node.setdefault(part, {})
        node[last] = value
    return as_yaml(declared)


def locked(lock: Any, steps: Sequence[Step]) -> str:
    """Give ``dvc.lock`` as text, of ``steps`` alone: what other stages did is no part of it."""
    return as_yaml({**lock, "stages": {step.stage: lock["stages"][step.stage] for step in steps}})


def packages() -> dict[str, str]:
    """Give the installed versions of what ``aepipe`` declares to need."""
    try:
        declared = [line for line in requires("aepipe") or () if "extra ==" not in line]
    except PackageNotFoundError:  # run from its folder, without having been installed
        return {}
    names = sorted({re.split(r"[^\w.-]", line)[0] for line in declared})
    return {name: version(name) for name in names}


def _requirements_tag(root: Path) -> dict[str, str]:
    """Give the checksum of the packages' lock file."""
    path = root / REQUIREMENTS
    return {"aepipe.requirements_lock": digest_files(root, [path])} if path.is_file() else {}
