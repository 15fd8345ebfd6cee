"""From a version to its data, and from data or a stage to the versions that came from it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

from aepipe.errors import RegistryError
from aepipe.params.load import read_yaml
from aepipe.params.stack import DATASET
from aepipe.registry.lineage import LOCK, read_lock, touches
from aepipe.registry.provenance import OUT
from aepipe.registry.recorded import Recorded

if TYPE_CHECKING:  # importing MLflow takes more than a second
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

SHORTEST = 6  # characters of a checksum that are taken for one


def where_lines(recorded: Recorded) -> list[str]:
    """Print the chain from a version to its data, a line for each stage and what it made."""
    tags = recorded.tags
    source = read_yaml(recorded.params)["data"]["source"]
    dirty = ", with files that differed from it" if tags.get("aepipe.git_dirty") == "true" else ""
    rows = [(recorded.title, recorded.folder, tags["aepipe.digest"])]
    rows += [
        (step.stage, path, digest)
        for step in reversed(recorded.steps())
        for path, digest in step.outs.items()
    ]
    widths = [max(len(row[i]) for row in rows) for i in (0, 1)]
    lines = [f"{a:{widths[0]}}  {b:{widths[1]}}  {c}" for a, b, c in rows]
    about = ", ".join(f"{key} {value}" for key, value in source.items() if key != "kind")
    return [
        *lines,
        f"data: source {source['kind']}{f' ({about})' if about else ''}, "
        f"digest {tags['aepipe.dataset_digest']}",
        f"code: git revision {tags.get('aepipe.git_revision', 'unknown')}{dirty}",
        f"packages: {tags.get('aepipe.packages', 'unknown')}",
        f"device: {tags.get('aepipe.device', 'unknown')}",
    ]


@final
@dataclass(frozen=True, slots=True)
class Match:
    """A version that came from what was asked for.

    Attributes:
        version: of a registered model.
        path: output of a stage through which it did.
        digest: checksum that the output had.
    """

    version: "ModelVersion"
    path: str
    digest: str


def which_lines(client: "MlflowClient", what: str, root: Path) -> list[str]:
    """List the versions that came from ``what``.

    Args:
        client: of the registry.
        what: a stage, the path of a stage's output (or a file in it), or the beginning of a
            checksum that ``dvc.lock`` or ``dataset.json`` has.
        root: folder of the pipeline, whose ``dvc.lock`` says what the present state is.

    Raises:
        RegistryError: no version came from it.
    """
    lock = read_lock(root / LOCK)
    present = {path: digest for step in lock.values() for path, digest in step.outs.items()}
    versions = [
        version
        for model in client.search_registered_models()
        for version in client.search_model_versions(f"name = '{model.name}'")
    ]
    versions.sort(key=lambda version: (version.name, int(version.version)))
    matches = [match for version in versions for match in _matches(version, what)]
    if not matches:
        raise RegistryError(f"{what}: {_known(versions)}")
    rows = [
        (
            f"{match.version.name} version {match.version.version}",
            match.path,
            f"{match.digest}{_state(match, present)}",
        )
        for match in matches
    ]
    widths = [max(len(row[i]) for row in rows) for i in (0, 1)]
    return [f"{a:{widths[0]}}  {b:{widths[1]}}  {c}" for a, b, c in rows]


def _matches(version: "ModelVersion", what: str) -> Iterator[Match]:
    """Give the outputs behind ``version`` that ``what`` names."""
    tags = version.tags
    own = {
        DATASET: tags.get("aepipe.dataset_digest"),
        tags.get("aepipe.folder"): tags.get("aepipe.digest"),
    }
    for stage, paths in json.loads(tags.get("aepipe.stages", "{}")).items():
        for path in paths:
            digests = (tags[f"{OUT}{path}"], own.get(path) or "")
            by_checksum = len(what) >= SHORTEST and any(each.startswith(what) for each in digests)
            by_stage = what in (stage, stage.partition("@")[0])
            if by_checksum or by_stage or touches(path, what.rstrip("/")):
                yield Match(version, path, digests[0])


def _state(match: Match, present: Mapping[str, str]) -> str:
    if match.path not in present:
        return ""
    return "  as it is now" if present[match.path] == match.digest else "  another than now"


def _known(versions: "list[ModelVersion]") -> str:
    made = [json.loads(version.tags.get("aepipe.stages", "{}")) for version in versions]
    stages = sorted({stage for each in made for stage in each})
    paths = sorted({path for each in made for outs in each.values() for path in outs})
    if not stages:
        return "no version says what it came from; `aepipe register` makes versions that do"
    return (
        f"no version came from it; known are the stages {', '.join(stages)}, the paths "
        f"{', '.join(paths)}, and checksums (at least {SHORTEST} characters)"
    )
