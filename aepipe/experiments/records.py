"""What experiments came to, kept beside them: only figures that a run has written."""

import hashlib
import json
import os
import platform
import re
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, final

from aepipe.errors import AepipeError, ArtifactError, ParamsError
from aepipe.experiments.claims import Claim, Reading
from aepipe.experiments.files import Experiment, merged
from aepipe.experiments.workspace import uncommitted
from aepipe.files import FORMAT, read_description, read_json, write_json
from aepipe.params.base import Name, Section
from aepipe.params.load import read_yaml, validate
from aepipe.workspace import environment, output

RESULTS = Path("experiments/results")


@final
class Record(Section):
    """One file of ``experiments/results``."""

    format: int
    date: str
    """Day on which it was recorded, UTC."""
    machine: str
    """Processor, cores and device that it was recorded on."""
    revision: str
    """Git revision of the code that ran."""
    overlay: str
    """Checksum of the experiment's params, so that a change of them shows."""
    note: str
    """Why a figure falls short, or what else a reader must know of this run."""
    figures: dict[Name, Reading]


def record(root: Path, name: str, experiment: Experiment, workspace: Path, note: str) -> Record:
    """Write down what ``workspace`` came to, beside the experiments of ``root``.

    Raises:
        ParamsError: the experiment declares no figures, or that workspace has other params.
        AepipeError: what lies there is not up to date, or code was changed by hand.
        ArtifactError: one of the figures is not there.
    """
    if not experiment.figures:
        raise ParamsError(f"experiments/{name}.yaml declares no figures; nothing can be recorded")
    _require_run(name, experiment, workspace)
    kept = Record(
        format=FORMAT,
        date=datetime.now(UTC).date().isoformat(),
        machine=machine(),
        revision=output(["git", "rev-parse", "HEAD"], workspace).strip(),
        overlay=overlay_digest(experiment),
        note=note,
        figures={key: read_figure(workspace, claim) for key, claim in experiment.figures.items()},
    )
    write_json(root / RESULTS / f"{name}.json", kept.model_dump())
    return kept


def read_record(root: Path, name: str) -> Record | None:
    """Read what ``name`` came to; None where it has not been run.

    Raises:
        ArtifactError: the file is not one that :func:`record` writes.
    """
    path = root / RESULTS / f"{name}.json"
    if not path.is_file():
        return None
    kept: Record = validate(Record, read_description(path), str(path))
    return kept


def overlay_digest(experiment: Experiment) -> str:
    """Give a checksum of what the experiment declares; comments and the order do not count."""
    text = json.dumps(experiment.params, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def read_figure(workspace: Path, claim: Claim) -> Reading:
    """Read a figure, as it is, from what a stage has written.

    Raises:
        ArtifactError: there is no such file, or no number there.
    """
    node: Any = read_json(workspace / claim.file)
    for step in claim.at.split("/"):
        if not isinstance(node, Mapping) or step not in node:
            there = ", ".join(map(str, node)) if isinstance(node, Mapping) else "no keys"
            raise ArtifactError(
                f"{claim.file}: no {step!r} on the way {claim.at}; there is {there}"
            )
        node = node[step]
    number = node.get("value") if isinstance(node, Mapping) else node
    if not isinstance(number, int | float) or isinstance(number, bool):
        raise ArtifactError(f"{claim.file}: {claim.at} is no figure, but {node!r}")
    if not isinstance(node, Mapping):
        return Reading(value=number)
    return Reading(value=number, low=node["low"], high=node["high"])


def machine() -> str:
    """Name the processor, its cores and the device that stages choose here."""
    from aepipe.training.device import choose_device  # torch takes a second

    cpu = Path("/proc/cpuinfo")
    text = cpu.read_text(encoding="utf-8", errors="replace") if cpu.is_file() else ""
    named = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    model = named[1].strip() if named else platform.processor() or platform.machine()
    return f"{model}, {os.cpu_count()} cores, {choose_device().type}"


def _require_run(name: str, experiment: Experiment, workspace: Path) -> None:
    """Refuse a workspace that has not run this experiment to its end."""
    again = f"`aepipe experiment run {name}` comes first"
    if not (workspace / "params.yaml").is_file():
        raise ParamsError(f"{workspace}: no workspace of that experiment; {again}")
    params = read_yaml(workspace / "params.yaml")
    if merged(params, experiment.params) != params:
        raise ParamsError(f"{workspace}: its params.yaml is not what the experiment says; {again}")
    changed = uncommitted(workspace)
    if changed:
        raise AepipeError(
            f"{workspace}: code differs from its revision ({', '.join(changed)}), so that nobody "
            "could run it again; commit it, or undo it, and run again"
        )
    targets = experiment.experiment.targets
    which = ["--with-deps", *targets] if targets else []  # all that they need; all there is
    command = ["dvc", "status", "--quiet", *which]
    if subprocess.run(command, cwd=workspace, env=environment(), check=False).returncode:
        raise AepipeError(
            f"{workspace}: not all of its targets are up to date, as `dvc status` there says; "
            f"{again}"
        )
