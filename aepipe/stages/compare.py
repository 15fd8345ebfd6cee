"""Set all representations beside each other, with paired tests against PCA and the best."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from aepipe.data.parts import Array
from aepipe.data.seeds import derive
from aepipe.errors import ArtifactError
from aepipe.evaluation.comparison import (
    ERROR,
    HEAD,
    Difference,
    Evaluated,
    add_generation,
    differences,
    differences_from_best,
    holm,
    pairs,
)
from aepipe.evaluation.uncertainty import Bootstrap, over_trainings
from aepipe.files import read_json
from aepipe.models.absent import absence
from aepipe.monitor import Monitor
from aepipe.params.models import Model
from aepipe.params.stack import DATASET
from aepipe.reporting.comparison_table import write_comparison
from aepipe.reporting.formats import is_better
from aepipe.reporting.leftovers import refuse_leftovers
from aepipe.reporting.metrics import OF_SHAPE, Metrics, scalars, write_metrics
from aepipe.reporting.plot_data import write_plot_data
from aepipe.signature import section

KINDS: dict[str, Literal["raw", "pca"]] = {DATASET: "raw", "models/pca": "pca"}


@dataclass(frozen=True, slots=True)
class Params:
    """Sections of params.yaml that the stage reads."""

    seed: int
    models: dict[str, Model]
    representations: dict[str, str] = section("evaluate.representations")
    confidence: float = section("evaluate.confidence")
    resamples: int = section("evaluate.resamples")
    networks: dict[str, str] = section("appraise.networks")


@dataclass(frozen=True, slots=True)
class Inputs:
    """What there is of everything evaluated, and of every network appraised.

    ``NAME.json`` and ``NAME/samples.parquet`` in the folder of evaluations, ``NAME.json`` and
    ``NAME/`` in that of appraisals.
    """

    evaluation: Path
    appraisal: Path


@dataclass(frozen=True, slots=True)
class Outputs:
    """Scalars, tables for ``dvc plots``, and every figure with its interval as one table."""

    metrics: Path
    plots: Path
    comparison: Path


def run(params: Params, inputs: Inputs, outputs: Outputs, monitor: Monitor) -> None:
    """Compare, correct, write."""
    require_declared(inputs.evaluation, params)
    evaluated = read_evaluated(inputs.evaluation, params)
    for name, appraised in read_appraised(inputs.appraisal, params).items():
        if name in evaluated:
            add_generation(evaluated[name].figures, appraised)
    bootstrap = Bootstrap(params.confidence, params.resamples, derive(params.seed, "compare"))
    planned = list(differences(evaluated, bootstrap))
    from_best = list(differences_from_best(evaluated, bootstrap))
    families = {"comparisons": len(planned), "pairs": pairs(evaluated)}
    warn_of_few_resamples(max(families.values()), params, monitor)
    comparisons = [
        *holm(planned, families["comparisons"]),
        *holm(from_best, families["pairs"]),
    ]
    reasons = {name: absence(inputs.evaluation / name) for name in params.representations}
    absent = {name: reason for name, reason in reasons.items() if reason is not None}
    trainings = 1 + max(len(one.figures.get("repeats", ())) for one in evaluated.values())
    test = {"confidence": params.confidence, **families, "trainings": trainings}
    metrics = put_together(evaluated, comparisons, absent, test)
    if trainings > 1:
        add_trainings(metrics, evaluated)
    write_metrics(outputs.metrics, metrics)
    write_plot_data(outputs.plots, metrics, confusions(evaluated))
    write_comparison(outputs.comparison, metrics)
    monitor.remark(f"{len(evaluated)} representations, {len(comparisons)} paired comparisons")


def warn_of_few_resamples(hypotheses: int, params: Params, monitor: Monitor) -> None:
    """Say so where no bootstrap can give a p-value that is small enough after correction."""
    if hypotheses and hypotheses / (params.resamples + 1) >= 1 - params.confidence:
        monitor.warn(
            f"evaluate.resamples = {params.resamples} can't show a difference in errors over "
            f"{hypotheses} comparisons; "
            f"{round(hypotheses / (1 - params.confidence)) + 1} are needed"
        )


def require_declared(folder: Path, params: Params) -> None:
    """Refuse results that are missing, and results of what is declared no longer.

    Raises:
        ArtifactError: with the command to run.
    """
    names = [*params.representations, *params.models]
    for name in names:
        stage = "evaluate" if name in params.representations else "evaluate-model"
        for path in (folder / f"{name}.json", folder / name / "samples.parquet"):
            if not path.is_file():
                raise ArtifactError(f"{path}: no such file; `dvc repro {stage}@{name}` makes it")
    refuse_leftovers(folder, [*names, *(f"{name}.json" for name in names)])


def read_evaluated(folder: Path, params: Params) -> dict[str, Evaluated]:
    """Read all entries, those of one representation by rising code size.

    Raises:
        ArtifactError: an entry was evaluated on other samples than the first.
    """
    from aepipe.data.contracts import read_table  # pandera takes most of a second

    paths = {**params.representations, **{name: f"models/{name}" for name in params.models}}
    evaluated: dict[str, Evaluated] = {}
    ids: Array | None = None
    for name, path in paths.items():
        file = folder / name / "samples.parquet"
        table = read_table(file)
        figures = read_json(folder / f"{name}.json")
        for entry in sorted(figures, key=lambda one: int(figures[one]["code_size"])):
            samples = table[table["entry"] == entry].reset_index(drop=True)
            ids = samples["id"].to_numpy() if ids is None else ids
            if not np.array_equal(samples["id"].to_numpy(), ids):
                raise ArtifactError(
                    f"{file}: {len(samples)} samples of {entry} are not the {len(ids)} of "
                    f"{next(iter(evaluated), entry)}; evaluate both on the same test split: "
                    "`dvc repro`"
                )
            evaluated[entry] = Evaluated(KINDS.get(path, "other"), figures[entry], samples)
    return evaluated


def read_appraised(folder: Path, params: Params) -> dict[str, Any]:
    """Read the figures of what each network generates; empty where there was no classifier.

    Raises:
        ArtifactError: some are missing, or there are some of what is declared no longer.
    """
    appraised: dict[str, Any] = {}
    for name in params.networks:
        path = folder / f"{name}.json"
        if not path.is_file():
            raise ArtifactError(f"{path}: no such file; `dvc repro appraise@{name}` makes it")
        appraised[name] = read_json(path)
    refuse_leftovers(folder, [*appraised, *(f"{name}.json" for name in appraised)])
    return appraised


def put_together(
    evaluated: Mapping[str, Evaluated],
    comparisons: Sequence[Difference],
    absent: Mapping[str, str],
    test: Mapping[str, float],
) -> Metrics:
    """Give the metrics in the order of the entries."""
    flat = {entry: scalars(one.figures) for entry, one in evaluated.items()}
    first = next(iter(evaluated.values()))
    metrics = Metrics(
        test={"samples": len(first.samples), **test},
        representations={entry: values for entry, (values, _) in flat.items()},
        intervals={entry: intervals for entry, (_, intervals) in flat.items()},
        against_pca={},
        against_best={},
        heads={},
        absent=dict(absent),
    )
    for one in comparisons:
        match one.section:
            case "against_pca":
                held = metrics.against_pca.setdefault(one.entry, {"pca": one.rival})
            case "against_best":
                held = metrics.against_best.setdefault(one.entry, {})
                held[f"{one.name}_best"] = one.rival
            case "heads":
                held = metrics.heads.setdefault(one.entry, {})
                if one.name == "raw":
                    held["raw"] = one.rival
        held |= {
            f"{one.name}_difference": one.figure["value"],
            f"{one.name}_low": one.figure["low"],
            f"{one.name}_high": one.figure["high"],
            f"{one.name}_p_value": one.p_value,
            f"{one.name}_p_holm": one.corrected,
        }
    return metrics


def add_trainings(metrics: Metrics, evaluated: Mapping[str, Evaluated]) -> None:
    """Add the spread of every figure over trainings, and how many of them are better than PCA."""
    for entry, one in evaluated.items():
        repeats = [scalars(figures)[0] for figures in one.figures.get("repeats", ())]
        if not repeats:
            continue
        all_of = {
            name: np.array([value, *(figures[name] for figures in repeats)])
            for name, value in metrics.representations[entry].items()
            if name not in OF_SHAPE and all(name in figures for figures in repeats)
        }
        level = metrics.test["confidence"]
        metrics.trainings[entry] = {
            name: over_trainings(values, level) for name, values in all_of.items()
        }
        held = metrics.against_pca.get(entry, {})
        for key in [key for key in held if key.endswith("_difference")]:
            short = key.removesuffix("_difference")
            name = short if short == ERROR else f"accuracy_{short}"
            change = all_of[name] - metrics.representations[held["pca"]][name]
            held[f"{short}_trainings"] = sum(is_better(name, float(each)) for each in change)


def confusions(evaluated: Mapping[str, Evaluated]) -> pd.DataFrame:
    """Give actual and predicted label of each test sample, as the fine-tuned classifier has it."""
    for one in evaluated.values():
        if one.figures["heads"].get(HEAD):
            known = one.samples[one.samples["label"] >= 0]
            return pd.DataFrame({"actual": known["label"], "predicted": known[f"predicted_{HEAD}"]})
    return pd.DataFrame({"actual": [], "predicted": []}, dtype=int)
