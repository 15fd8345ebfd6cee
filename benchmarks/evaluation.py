"""What judging costs: seconds and memory of each stage that comes after the trainings.

Run from the top folder: ``python -m benchmarks.evaluation [EXPERIMENT]``, `mnist` where none is
named. Every training is cut to one epoch, since what a judgement costs does not depend on how good
the network is. What has been trained stays in ``.aepipe/benchmarks/`` for the next time.
"""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from dvc.repo import Repo

from aepipe.experiments.files import as_yaml, experiment_params, read_experiment
from aepipe.params.load import read_yaml
from aepipe.workspace import environment
from flows.graph import read_graph

FOLDER = Path(".aepipe/benchmarks")
LINKED = ("aepipe", "data/sources", "dvc.yaml", "requirements.lock", ".dvcignore")
EPOCHS = ("epochs", "warmup_epochs")
JUDGING = ("evaluate", "evaluate-model", "appraise", "compare", "report")


class Cost(NamedTuple):
    """Of a process with all that it started: seconds of processor and of the clock, and MiB."""

    processor: float
    clock: float
    memory: float


def main() -> None:
    """Train, then judge stage by stage."""
    name = sys.argv[1] if len(sys.argv) > 1 else "mnist"
    folder = FOLDER / name
    prepare(folder, name)
    graph = read_graph(folder)
    judging = [stage for stage in graph.needs if stage.split("@")[0] in JUDGING]
    trained = [stage for stage in graph.upstream(judging).needs if stage not in judging]
    subprocess.run(["dvc", "repro", *trained], cwd=folder, env=environment(), check=True)
    with Repo(str(folder)) as repo:
        commands = {stage.name: str(stage.cmd) for stage in repo.index.stages}
    costs = {}
    for stage in judging:
        costs[stage] = measured(commands[stage], folder)
        print(line(stage, costs[stage]), flush=True)
    processor, clock, memory = zip(*costs.values(), strict=True)
    print(line("all, one after the other", Cost(sum(processor), sum(clock), max(memory))))


def prepare(folder: Path, name: str) -> None:
    """Make a folder in which DVC runs the experiment with short trainings."""
    experiment = read_experiment(Path("experiments"), name)
    text, _ = experiment_params(experiment, Path("params.yaml"), f"experiment {name}")
    for path in LINKED:
        link = folder / path
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(Path(path).resolve())
    params = folder / "params.yaml"
    params.write_text(text, encoding="utf-8")
    params.write_text(as_yaml(cut(read_yaml(params))), encoding="utf-8")
    if not (folder / ".dvc").exists():
        subprocess.run(
            ["dvc", "init", "--no-scm", "--quiet"], cwd=folder, env=environment(), check=True
        )


def cut(value: Any) -> Any:
    """Let every training end after its first epoch."""
    if isinstance(value, Mapping):
        return {key: 1 if key in EPOCHS else cut(each) for key, each in value.items()}
    return [cut(each) for each in value] if isinstance(value, list) else value


def measured(command: str, folder: Path) -> Cost:
    """Run a stage's command as DVC does."""
    began = time.perf_counter()
    process = subprocess.Popen(shlex.split(command), cwd=folder, env=environment())
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command}: failed")
    clock = time.perf_counter() - began
    return Cost(used.ru_utime + used.ru_stime, clock, used.ru_maxrss / 2**10)


def line(what: str, cost: Cost) -> str:
    """Give one row of the table."""
    return f"{what:32}{cost.processor:8.1f} s{cost.clock:8.1f} s by the clock{cost.memory:8.0f} MiB"


if __name__ == "__main__":
    main()
