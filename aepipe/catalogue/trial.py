"""A trial of every entry: trained and judged as the pipeline does, by its own stages."""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from aepipe.errors import AepipeError
from aepipe.experiments.files import experiment_params, read_experiment
from aepipe.files import read_json
from aepipe.monitor import Monitor, Silent
from aepipe.params.judgements import Further
from aepipe.params.root import Params
from aepipe.stages import corrupt, evaluate, ingest, model, pretrain, unroll

ONCE = 1  # training of each
LEAST_ACCURACY = 0.9  # of a linear probe on the codes
LIMITED: dict[str, str] = {}
"""Entries whose codes are deliberately poor, each with the reason."""


@final
@dataclass(frozen=True, slots=True)
class Trial:
    """What an entry came to on the test split.

    Attributes:
        name: of the entry.
        code_size: features of a code.
        squared_error: mean over samples, summed over features.
        explained: share of the variance that reconstruction keeps; predicting the mean keeps 0.
        accuracy: of a linear probe on the codes.
        seconds: that training took.
    """

    name: str
    code_size: int
    squared_error: float
    explained: float
    accuracy: float
    seconds: float

    def shortfalls(self, limited: bool) -> list[str]:
        """Say where it falls short of what every entry is expected to reach."""
        lines = []
        if not self.explained > 0:
            lines.append(f"{self.name} reconstructs no better than predicting the mean")
        if not limited and self.accuracy < LEAST_ACCURACY:
            lines.append(f"{self.name} has {self.accuracy:.1%} linear-probe accuracy")
        return lines

    def __str__(self) -> str:
        return (
            f"{self.name:26} code {self.code_size:4d}  squared error {self.squared_error:8.4f}"
            f"  explained {self.explained:6.1%}  linear probe {self.accuracy:6.1%}"
            f"  {self.seconds:6.1f} s"
        )


def print_trials(root: Path, params_path: Path, monitor: Monitor) -> None:
    """Try ``experiments/catalogue.yaml`` and print a line for each entry.

    Raises:
        AepipeError: the file is wrong, or an entry falls short.
    """
    experiment = read_experiment(root / "experiments", "catalogue")
    _, params = experiment_params(experiment, params_path, "experiment catalogue")
    problems: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for trial in trials(params, Path(folder), monitor):
            monitor.remark(str(trial))
            problems += trial.shortfalls(trial.name in LIMITED)
    if problems:
        raise AepipeError("\n  ".join(["fall short:", *problems]))


def trials(params: Params, folder: Path, monitor: Monitor) -> Iterator[Trial]:
    """Train and judge every entry of ``models``, then the stack, unrolled.

    Args:
        params: the declaration.
        folder: empty; for everything that the stages write.
        monitor: is told what is under way.
    """
    dataset, corrupted = folder / "dataset", folder / "corrupted"
    quiet = Silent()
    ingest.run(
        ingest.Params(params.seed, params.data), ingest.Inputs(), ingest.Outputs(dataset), quiet
    )
    corrupt.run(
        corrupt.Params(params.seed, params.corruption),
        corrupt.Inputs(dataset),
        corrupt.Outputs(corrupted),
        quiet,
    )
    for name, config in monitor.progress(params.models.items(), "train", len(params.models)):
        start = time.perf_counter()
        model.run(
            model.Params(params.seed, name, config, ONCE),
            model.Inputs(dataset),
            model.Outputs(folder / name),
            quiet,
        )
        yield _judge(name, params, folder, time.perf_counter() - start)
    start = time.perf_counter()
    _train_stack(params, folder)
    yield _judge("stack", params, folder, time.perf_counter() - start)


def _train_stack(params: Params, folder: Path) -> None:
    below = folder / "dataset"
    for name, layer in params.stack.layers.items():
        output = folder / "layers" / name
        pretrain.run(
            pretrain.Params(params.seed, name, layer, ONCE),
            pretrain.Inputs(below),
            pretrain.Outputs(output),
            Silent(),
        )
        below = output
    unroll.run(
        unroll.Params(params.seed, params.unroll, ONCE),
        unroll.Inputs(folder / "dataset", folder / "layers"),
        unroll.Outputs(folder / "stack"),
        Silent(),
    )


def _judge(name: str, params: Params, folder: Path, seconds: float) -> Trial:
    settings = params.evaluate
    figures_path, tables = folder / f"{name}.json", folder / f"{name}.tables"
    evaluate.run(
        evaluate.Params(
            seed=params.seed,
            seeds=ONCE,
            name=name,
            probes=settings.probes,
            confidence=settings.confidence,
            resamples=settings.resamples,
            examples=settings.examples,
            batch_size=settings.batch_size,
            further=Further(),  # not shown
        ),
        evaluate.Inputs(folder / "dataset", folder / "corrupted", folder / name),
        evaluate.Outputs(figures_path, tables),
        Silent(),
    )
    figures: dict[str, Any] = read_json(figures_path)[name]
    reconstruction = figures["reconstruction"]
    return Trial(
        name=name,
        code_size=figures["code_size"],
        squared_error=reconstruction["squared_error"]["value"],
        explained=reconstruction["explained_variance"]["value"],
        accuracy=figures["accuracy"]["linear"]["value"],
        seconds=seconds,
    )
