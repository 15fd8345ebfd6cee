"""Putting what people should see of a run on Prefect's pages, at its end."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

from dvc.dvcfile import LOCK_FILE
from dvc.utils.serialize import load_yaml
from prefect.artifacts import (
    Artifact,
    create_markdown_artifact,
    create_table_artifact,
)
from prefect.runtime import deployment

from aepipe.errors import AepipeError
from aepipe.models.digest import model_digest, model_files
from aepipe.reporting.metrics import read_metrics
from aepipe.tracking.find import Found, find_runs
from flows import exhibits
from flows.outcome import Outcome
from flows.server import patiently

METRICS = "reports/metrics.json"
BY_HAND = "by-hand"  # in place of a deployment's name

Say = Callable[[str], None]


def publish(folder: Path, outcomes: Sequence[Outcome], say: Say) -> None:
    """Show what became of a run: stages, failures, metrics beside those of the last run.

    Args:
        folder: of ``dvc.yaml``, where the run has worked.
        outcomes: of all stages.
        say: told what could not be shown, and why.
    """
    name = deployment.get_name() or BY_HAND
    outs = _outputs(folder)
    table = exhibits.stages(outcomes, _runs(folder, outcomes, outs, say))
    patiently(lambda: create_markdown_artifact(table, exhibits.key("stages", name), "Stages"))
    for outcome in outcomes:
        if outcome.did == "failed":
            _show_failure(outcome)
    if METRICS in {path for each in outcomes if _is_new(each) for path in outs.get(each.stage, ())}:
        _show_metrics(folder / METRICS, name)


def _is_new(outcome: Outcome) -> bool:
    return outcome.did in ("ran", "from cache")


def _show_failure(outcome: Outcome) -> None:
    text, name = exhibits.failure(outcome), exhibits.key("failed", outcome.stage)
    patiently(lambda: create_markdown_artifact(text, name, f"{outcome.stage} failed"))


def _show_metrics(path: Path, name: str) -> None:
    from flows import comparison  # which draws: a second for matplotlib, where there is news

    metrics = read_metrics(path)
    key = exhibits.key("metrics", name)
    last = cast(Artifact | None, patiently(lambda: Artifact.get(key)))
    rows = json.loads(str(last.data)) if last and last.data else []
    table = comparison.table(metrics, comparison.values(rows))
    patiently(lambda: create_table_artifact(table, key, "Metrics, beside those of the last run"))
    text = comparison.account(metrics)
    patiently(lambda: create_markdown_artifact(text, exhibits.key("comparison", name), "Findings"))


def _outputs(folder: Path) -> dict[str, list[str]]:
    """Give the paths that each stage has written, as ``dvc.lock`` has them."""
    lock = folder / LOCK_FILE
    stages = load_yaml(str(lock)).get("stages", {}) if lock.is_file() else {}
    return {name: [out["path"] for out in entry.get("outs", [])] for name, entry in stages.items()}


def _runs(
    folder: Path, outcomes: Sequence[Outcome], outs: Mapping[str, Sequence[str]], say: Say
) -> dict[str, Found]:
    """Find the MLflow runs of the models that this run has made or taken from a cache."""
    digests: dict[str, str] = {}
    for outcome in outcomes:
        for path in outs.get(outcome.stage, ()) if _is_new(outcome) else ():
            if model_files(folder / path):
                digests[outcome.stage] = model_digest(folder / path)
    try:
        found = find_runs(folder, digests.values())
    except AepipeError as error:
        say(f"no links to MLflow: {error}")
        return {}
    return {stage: found[digest] for stage, digest in digests.items() if digest in found}
