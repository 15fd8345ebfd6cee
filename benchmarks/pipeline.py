"""What the pipeline costs around the work: stages' start and end, a `dvc repro` with nothing to do.

A pipeline of its own on the digits is made in a temporary folder from the declaration here, so that
nothing has to have been run before.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
DVC = (sys.executable, "-m", "dvc")
QUIET = {"DVC_NO_ANALYTICS": "1", "DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}
EDGES = """
import os, sys, time
import torch
step, begun = torch.autograd.backward, []
def timed(*arguments):
    if not begun:
        print("first", time.time(), flush=True)
        begun.append(True)
    step(*arguments)
    sys.last_step = time.time()
torch.autograd.backward = timed
from aepipe.__main__ import main
try:
    main(sys.argv[1:])
finally:
    print("last", sys.last_step, flush=True)
"""
WHOLE = """
import sys
from aepipe.__main__ import main
main(sys.argv[1:])
"""


OUTPUTS = """
from dvc.repo import Repo
with Repo() as repo:
    print("\\n".join(sorted({out.def_path for out in repo.index.outs})))
"""
STAGES = {  # those that train need torch, the others don't
    "ingest": "--dataset data/dataset",
    "vae": "--dataset data/dataset --vae models/vae",
    "pca": "--dataset data/dataset --pca models/pca",
    "corrupt": "--dataset data/dataset --corrupted data/corrupted",
    "evaluate": (
        "--name pca --dataset data/dataset --corrupted data/corrupted --model models/pca "
        "--figures reports/evaluation/pca.json --tables reports/evaluation/pca"
    ),
}
TRAINING = ("vae",)


def measure(rounds: int = 3) -> dict[str, Any]:
    """Give all figures of this file, in seconds, each the middle of so many."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        shutil.copy(ROOT / "params.yaml", folder)
        (folder / "data").mkdir()
        stages = [_stage(folder, name, rounds) for name in STAGES]
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        return {"stages": stages, "no_op": _no_op(Path(name), rounds)}


def _stage(folder: Path, name: str, rounds: int) -> dict[str, Any]:
    """Run a stage as DVC does; of one that trains tell its edges, of others the whole."""
    training = name in TRAINING
    code, edges = EDGES if training else WHOLE, []
    for _ in range(rounds):
        began, said, ended = _run(
            folder, [sys.executable, "-c", code, "stage", name, *STAGES[name].split()]
        )
        marks = dict(
            line.split() for line in said.splitlines() if line.startswith(("first", "last"))
        )
        first, last = float(marks.get("first", ended)), float(marks.get("last", ended))
        edges.append((first - began, ended - last))
    before, after = (statistics.median(values) for values in zip(*edges, strict=True))
    if training:
        return {"stage": name, "to_first_step": before, "from_last_step": after}
    return {"stage": name, "whole": before}


def _no_op(folder: Path, rounds: int) -> dict[str, Any]:
    """Time `dvc repro` with nothing to do: of the pipeline's graph, and of as many empty stages.

    The pipeline's outputs are stand-ins of one small file each, since DVC knows from times and
    sizes that an output has not changed, and does not read it again.
    """
    ours, empty = folder / "ours", folder / "empty"
    for repository in (ours, empty):
        repository.mkdir()
        _run(repository, [*DVC, "init", "--no-scm", "--quiet"])
    for name in ("params.yaml", "dvc.yaml", "requirements.lock"):
        shutil.copy(ROOT / name, ours)
    shutil.copytree(ROOT / "aepipe", ours / "aepipe", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".dvcignore", ours)
    outputs = _run(ours, [sys.executable, "-c", OUTPUTS])[1].split()
    for output in outputs:
        place = ours / output
        place.parent.mkdir(parents=True, exist_ok=True)
        place.mkdir() if not place.suffix else place.write_text("{}")
        if place.is_dir():
            (place / "stand-in").write_text(output)
    _run(ours, [*DVC, "commit", "--force", "--quiet"])
    stages = len(_run(ours, [*DVC, "stage", "list", "--name-only"])[1].split())
    lines = ["stages:"]
    for number in range(stages):
        lines += [f"  s{number}:", f"    cmd: echo {number} > {number}", f"    outs: ['{number}']"]
        lines += [f"    deps: ['{number - 1}']"] if number else []
    (empty / "dvc.yaml").write_text("\n".join(lines) + "\n")
    took: list[tuple[float, float]] = []
    for each in range(rounds + 1):
        pair = [_run(repository, [*DVC, "repro"]) for repository in (ours, empty)]
        if each:  # the first one runs the empty stages, and fills DVC's index
            took.append((pair[0][2] - pair[0][0], pair[1][2] - pair[1][0]))
            if "up to date" not in pair[0][1]:
                raise RuntimeError(f"dvc repro had something to do:\n{pair[0][1]}")
    return {
        "stages": stages,
        "seconds": statistics.median(one for one, _ in took),
        "times_empty_graph": statistics.median(one / other for one, other in took),
    }


def _run(folder: Path, command: Sequence[str]) -> tuple[float, str, float]:
    environment = {
        **os.environ,
        **QUIET,
        "PYTHONPATH": str(ROOT),
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
    }
    start = time.time()
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    end = time.time()
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
    return start, done.stdout, end
