"""Say which models are registered, what each of them is, and which gates it passes.

The file names no version: the registry, which ``aepipe register`` brings in line with it, may be
another one on another machine. So may its champion, against which the registry holds a version.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aepipe.errors import ContractError
from aepipe.files import FORMAT, read_description, write_json
from aepipe.models.absent import absence
from aepipe.models.digest import model_digest
from aepipe.monitor import Monitor
from aepipe.params.evaluation import Registered, Registry
from aepipe.params.gates import Bound, Condition, NotWorseThanChampion
from aepipe.reporting.gates import against_champion, judge_bound
from aepipe.reporting.metrics import Metrics, read_metrics
from aepipe.signature import section


@dataclass(frozen=True, slots=True)
class Params:
    """Sections of params.yaml that the stage reads."""

    registry: Registry
    representations: dict[str, str] = section("evaluate.representations")


@dataclass(frozen=True, slots=True)
class Inputs:
    """The trained models, the figures about them, the data they were trained on."""

    models: Path
    metrics: Path
    dataset: Path


@dataclass(frozen=True, slots=True)
class Outputs:
    """Registered names, each with what its model is, what was measured and what the gates say.

    And those of models that were not trained, each with the reason.
    """

    registered: Path


def run(params: Params, inputs: Inputs, outputs: Outputs, monitor: Monitor) -> None:
    """Describe each model that ``params.registry`` names.

    Raises:
        ContractError: ``metrics.json`` lacks a model that the declaration has judged.
    """
    metrics = read_metrics(inputs.metrics)
    models: dict[str, Any] = {}
    absent: dict[str, Any] = {}
    for name, registered in params.registry.models.items():
        folder = inputs.models / Path(registered.model).name
        about = {"kind": registered.kind, "folder": registered.model}
        reason = absence(folder)
        if reason is not None:
            absent[name] = {**about, "reason": reason}
            monitor.remark(f"{name}: not registered, for {reason}")
            continue
        entries = judged(registered, params.representations)
        require_figures(entries, metrics, inputs.metrics)
        figures = described_figures(entries, metrics)
        gates = described_gates(params.registry.gates.get(name, ()), metrics)
        models[name] = {**about, "digest": model_digest(folder), **figures, "gates": gates}
        monitor.remark(f"{name}: the {registered.kind} of {registered.model}")
    dataset = read_description(inputs.dataset / "dataset.json")  # shape and scaling of the input
    content = {"format": FORMAT, "dataset": dataset, "test": metrics.test, "models": models}
    write_json(outputs.registered, {**content, "absent": absent})


def judged(registered: Registered, representations: Mapping[str, str]) -> list[str]:
    """Give the entries as which a model was evaluated; one of ``models:`` under its own name."""
    declared = [entry for entry, path in representations.items() if path == registered.model]
    pipelines_own = ("models/autoencoder", "models/classifier", "models/vae")
    if declared or registered.model in pipelines_own:
        return declared
    return [Path(registered.model).name]


def require_figures(entries: Sequence[str], metrics: Metrics, path: Path) -> None:
    """Refuse metrics without the model's.

    Raises:
        ContractError: with the command that makes them again.
    """
    for entry in entries:
        if entry not in metrics.representations:
            raise ContractError(
                f"{path}: no figures of {entry!r}, only of "
                f"{', '.join(metrics.representations) or 'nothing'}; `dvc repro compare` makes "
                "them again"
            )


def described_figures(entries: Sequence[str], metrics: Metrics) -> dict[str, Any]:
    """Give the figures of ``entries`` and, beside them, those of the baselines."""
    rivals = [metrics.against_pca.get(entry, {}).get("pca") for entry in entries]
    beside = [*dict.fromkeys(rival for rival in rivals if rival), "raw"]
    return {
        "metrics": {entry: metrics.representations[entry] for entry in entries},
        "intervals": {entry: metrics.intervals.get(entry, {}) for entry in entries},
        "baselines": {
            rival: {
                "metrics": metrics.representations[rival],
                "intervals": metrics.intervals.get(rival, {}),
            }
            for rival in beside
            if rival in metrics.representations
        },
        "against_pca": {e: metrics.against_pca[e] for e in entries if e in metrics.against_pca},
    }


def described_gates(conditions: Sequence[Condition], metrics: Metrics) -> dict[str, Any]:
    """Give all conditions, what is known of them, and what only a registry can decide."""
    bounds = [each for each in conditions if isinstance(each, Bound)]
    others = [each for each in conditions if isinstance(each, NotWorseThanChampion)]
    return {
        "conditions": [str(each) for each in conditions],
        "verdicts": [asdict(judge_bound(each, metrics)) for each in bounds],
        "against_champion": [against_champion(each, metrics) for each in others],
    }
