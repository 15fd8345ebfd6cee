"""What ``aepipe experiment`` does."""

from pathlib import Path

from aepipe.experiments.figures import figure_lines
from aepipe.experiments.files import (
    FOLDER,
    experiment_names,
    experiment_params,
    read_experiment,
)
from aepipe.experiments.records import record
from aepipe.experiments.workspace import FOLDER as WORKSPACES
from aepipe.experiments.workspace import keep, prepare, reproduce, uncommitted
from aepipe.monitor import Monitor


def list_experiments(root: Path) -> list[str]:
    """Give a line for each experiment: name, title, cost.

    Raises:
        ParamsError: one of the files is wrong.
    """
    about = {
        name: read_experiment(root / FOLDER, name).experiment
        for name in experiment_names(root / FOLDER)
    }
    width = max((len(name) for name in about), default=0)
    return [f"{name:{width}}  {each.title} ({each.cost})" for name, each in about.items()]


def show_experiment(root: Path, name: str, params: Path) -> str:
    """Give the params that experiment ``name`` runs with, below what there is to know of it.

    Raises:
        ParamsError: there is no such experiment, or it is wrong.
    """
    experiment = read_experiment(root / FOLDER, name)
    text, _ = experiment_params(experiment, params, f"experiment {name}")
    about = experiment.experiment
    lines = [about.title, f"source: {about.source}", f"cost: {about.cost}"]
    lines += [f"targets: {' '.join(about.targets) or 'all'}", f"expected: {about.expected}"]
    comments = (f"# {line}" for entry in lines for line in entry.strip().splitlines())
    return "\n".join([*comments, text])


def run_experiment(root: Path, name: str, params: Path, monitor: Monitor) -> None:
    """Run ``name`` in a workspace of its own, keep it as a DVC experiment and give its figures.

    Raises:
        AepipeError: it is wrong, or a stage failed.
    """
    experiment = read_experiment(root / FOLDER, name)
    text, _ = experiment_params(experiment, params, f"experiment {name}")
    changed = uncommitted(root)
    if changed:
        monitor.remark(f"not committed, so not in the experiment: {', '.join(changed)}")
    workspace = prepare(root, name, text)
    reproduce(workspace, experiment.experiment.targets)
    for line in figure_lines(workspace):
        monitor.remark(line)
    monitor.remark(f"everything lies in {workspace}")
    keep(workspace, name, experiment.experiment.targets)
    monitor.remark(f"DVC keeps it as the experiment {name}")
    if experiment.figures:
        monitor.remark(f"`aepipe experiment record {name}` puts its figures into the table")


def record_experiment(
    root: Path, name: str, workspace: Path | None, note: str, monitor: Monitor
) -> None:
    """Keep the figures of a run for the table.

    Args:
        root: top folder of the repository.
        name: of the experiment.
        workspace: where it was run, if not where :func:`run_experiment` does it.
        note: what a reader must know of this run; empty for nothing.
        monitor: is told what was recorded.

    Raises:
        AepipeError: there is no such experiment, or no finished run of it.
    """
    experiment = read_experiment(root / FOLDER, name)
    kept = record(root, name, experiment, workspace or root / WORKSPACES / name, note)
    for key, figure in kept.figures.items():
        monitor.remark(f"{key}: {figure.value:.6g}")
