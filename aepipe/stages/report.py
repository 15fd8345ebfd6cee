"""Show everything on one page that can be mailed, printed and read on a phone.

Every number of a comparison on it comes from ``reports/metrics.json``.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, fields
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel
from ruamel.yaml import YAML

from aepipe.data.dataset import Dataset, open_dataset
from aepipe.errors import ArtifactError
from aepipe.files import read_json
from aepipe.models.absent import absence
from aepipe.monitor import Monitor
from aepipe.params.corruption import CorruptionSection
from aepipe.params.data import Data
from aepipe.params.energy import Rbm
from aepipe.params.evaluation import Appraise, Evaluate, Generate
from aepipe.params.models import Model
from aepipe.params.stack import DATASET, Finetune, Stack, Unroll
from aepipe.params.sweep import Sweep
from aepipe.params.variational import Variational
from aepipe.reporting import exhibits
from aepipe.reporting.card import condition_names, contracts, data_card
from aepipe.reporting.checkerboard import checkerboards
from aepipe.reporting.codemap import code_map
from aepipe.reporting.exhibits import Strip
from aepipe.reporting.leftovers import refuse_leftovers
from aepipe.reporting.metrics import read_metrics
from aepipe.reporting.page import Material, render
from aepipe.reporting.provenance import digests, versions
from aepipe.reporting.samples import copies, under_noise, worst_cases
from aepipe.reporting.sweeps import show_sweep
from aepipe.reporting.walks import Walks, interpolations, open_walks, sliders, traversals

OF_PIPELINE = ("pca", "stack", "autoencoder", "classifier", "vae")  # the models of its own


@dataclass(frozen=True, slots=True)
class Params:
    """Sections of params.yaml that the stage reads: all that shaped what the page shows."""

    seed: int
    data: Data
    corruption: CorruptionSection
    stack: Stack
    unroll: Unroll
    finetune: Finetune
    vae: Variational
    models: dict[str, Model]
    sweep: dict[str, Sweep]
    generate: Generate
    evaluate: Evaluate
    appraise: Appraise


@dataclass(frozen=True, slots=True)
class Inputs:
    """The dataset, its corrupted splits, all models, the reports so far, and locked versions."""

    dataset: Path
    corrupted: Path
    models: Path
    generated: Path
    evaluation: Path
    appraisal: Path
    metrics: Path
    plots: Path
    lock: Path


@dataclass(frozen=True, slots=True)
class Outputs:
    """The page."""

    page: Path


def run(params: Params, inputs: Inputs, outputs: Outputs, monitor: Monitor) -> None:
    """Gather, draw, render."""
    sweeps = ["sweep"] if params.sweep else []
    refuse_leftovers(inputs.models, [*OF_PIPELINE, *params.models, *sweeps])
    refuse_leftovers(inputs.models / "sweep", params.sweep)
    refuse_leftovers(inputs.models / "stack", params.stack.layers)
    dataset = open_dataset(inputs.dataset)
    metrics = read_metrics(inputs.metrics)
    raw = raw_entry(params.evaluate)
    walks = open_walks(dataset, inputs.generated)
    tested = exhibits.reconstructions(dataset, inputs.evaluation, raw, metrics)
    names = condition_names(inputs.corrupted)
    material = Material(
        dataset=dataset,
        card=data_card(dataset, inputs.corrupted),
        contracts=contracts(inputs.dataset, inputs.corrupted, inputs.evaluation),
        params=as_yaml(params),
        seed=params.seed,
        digests=digests(inputs.models, [*OF_PIPELINE, *params.models]),
        versions=versions(inputs.lock),
        traversal_range=params.generate.traversal_range,
        probe_rows=params.evaluate.probes.rows,
        pictures=pictures(params, inputs, dataset, walks) | {"reconstructions": tested},
        worst=worst_cases(dataset, inputs.evaluation, metrics),
        noisy=under_noise(dataset, inputs.evaluation, raw, metrics, names),
        walks=sliders(dataset, walks),
        copies=copies(dataset, inputs.appraisal),
        map=code_map(dataset, inputs.evaluation, raw, metrics),
        histories=histories(params, inputs.models),
        sweeps=[
            show_sweep(name, inputs.models / "sweep" / name, sweep.choose.by)
            for name, sweep in params.sweep.items()
        ],
        variances=variances(inputs.models / "pca", params.evaluate),
        confusion=confusion(inputs.plots / "confusion.csv"),
    )
    page = render(metrics, material)
    with outputs.page.open("w", encoding="utf-8", newline="\n") as file:
        file.write(page)
    monitor.remark(f"one page of {len(page.encode()) / 2**20:.1f} MiB")


def raw_entry(evaluate: Evaluate) -> str | None:
    """Name the entry that is the samples themselves; None where it is not compared."""
    paths = evaluate.representations
    return next((name for name, path in paths.items() if path == DATASET), None)


def as_yaml(params: Params) -> str:
    """Write the sections as they stand in ``params.yaml``, without its comments."""
    sections = {f.name: plain(getattr(params, f.name)) for f in fields(params)}
    writer: Any = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.sort_base_mapping_type_on_output = False  # the order of layers is their order
    text = StringIO()
    writer.dump(sections, text)
    return text.getvalue()


def plain(value: Any) -> Any:
    """Turn a section, or sections by name, into what YAML knows."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    return value


def pictures(
    params: Params, inputs: Inputs, dataset: Dataset, walks: Walks
) -> dict[str, list[Strip]]:
    """Give the strips of those sections that show models alone."""
    first = inputs.models / "stack" / next(iter(params.stack.layers))
    seeing = {"the stack's first layer": first}
    seeing |= {
        f"the RBM {name}": inputs.models / name
        for name, model in params.models.items()
        if isinstance(model, Rbm)
    }
    return {
        "filters": [exhibits.first_layer(dataset, path, whose) for whose, path in seeing.items()],
        "checkerboards": checkerboards(
            dataset, {name: inputs.models / name for name in params.models}
        ),
        "samples": [exhibits.samples(inputs.generated)],
        "rebuilt": exhibits.rebuilt(dataset, inputs.generated),
        "interpolations": interpolations(dataset, walks),
        "traversals": traversals(dataset, walks),
    }


def histories(params: Params, models: Path) -> dict[str, list[dict[str, float]]]:
    """Read how each training went, by its title, the layers of the stack first."""
    folders = {f"stack, layer {name}": models / "stack" / name for name in params.stack.layers}
    classifier = models / "classifier"
    heads = {"fine-tuned": "finetuned", "control": "control"} if not absence(classifier) else {}
    folders |= {
        "autoencoder": models / "autoencoder",
        **{f"classifier, {title}": classifier / name for title, name in heads.items()},
        "vae": models / "vae",
        **{name.replace("_", " "): models / name for name in params.models},
    }
    return {title: read_json(folder / "history.json") for title, folder in folders.items()}


def variances(pca: Path, evaluate: Evaluate) -> NDArray[np.float64]:
    """Read the variance along every principal axis; none where PCA is not compared."""
    if "models/pca" not in evaluate.representations.values():
        return np.zeros(0)
    return exhibits.array(pca / "explained_variance.npy")


def confusion(path: Path) -> NDArray[np.int64]:
    """Read actual and predicted label of each test sample, ``(n, 2)``.

    Raises:
        ArtifactError: the file is missing or not what stage compare writes.
    """
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
        labels = [(int(row["actual"]), int(row["predicted"])) for row in rows]
    except FileNotFoundError:
        raise ArtifactError(f"{path}: no such file; `dvc repro compare` makes it") from None
    except (KeyError, ValueError) as error:
        raise ArtifactError(
            f"{path}: not what stage compare writes ({error!r}); `dvc checkout` restores it"
        ) from None
    return np.array(labels, np.int64).reshape(-1, 2)
