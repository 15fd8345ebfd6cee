"""Everything that the report reads, made small: a page for tests, in a second or two."""

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import safetensors.numpy

from aepipe.data.contracts import write_table
from aepipe.data.parts import write_parts
from aepipe.files import write_json
from aepipe.monitor import Silent
from aepipe.params.load import load_params
from aepipe.params.members import settings
from aepipe.reporting.pictures import tiles
from aepipe.stages import compare, report

ROOT = Path(__file__).parents[1]
WHOLE = load_params(ROOT / "params.yaml")
PARAMS = report.Params(*(getattr(WHOLE, f.name) for f in fields(report.Params)))
COMPARED = compare.Params(
    seed=1,
    models=WHOLE.models,
    representations=WHOLE.evaluate.representations,
    confidence=0.95,
    resamples=4999,
    networks=WHOLE.appraise.networks,
)
CONDITIONS = {"masking_0.25": 0.25, "gaussian_0.3": 0.3}


def finish(folder: Path, dataset, write_evaluation, labelled=True) -> report.Inputs:
    """Make everything that the report reads, small."""
    evaluation = write_evaluation(folder / "evaluation", dataset, labelled)
    outputs = compare.Outputs(folder / "metrics.json", folder / "plots", folder / "c.parquet")
    write_appraisal(folder / "appraisal", dataset)
    compare.run(COMPARED, compare.Inputs(evaluation, folder / "appraisal"), outputs, Silent())
    rng = np.random.default_rng(3)
    clean = dataset.scaled(dataset.features("test").load())
    write_conditions(folder / "corrupted", clean)
    write_models(folder / "models", dataset, rng)
    write_generated(folder / "generated", clean)
    return report.Inputs(
        dataset=dataset.folder,
        corrupted=folder / "corrupted",
        models=folder / "models",
        generated=folder / "generated",
        evaluation=evaluation,
        appraisal=folder / "appraisal",
        metrics=outputs.metrics,
        plots=outputs.plots,
        lock=ROOT / "requirements.lock",
    )


def write_appraisal(appraisal: Path, dataset) -> None:
    """Figures and pairs of every network that is declared."""
    value = {"value": 0.5, "low": 0.25, "high": 0.75}
    figures = {
        "samples": 40,
        "feature_space": "classifier",
        "generated": {"frechet_distance": value, "coverage": value},
        "training": {"frechet_distance": value, "coverage": value},
        "memorisation": value,
    }
    pairs = dataset.scaled(dataset.features("train").load()[:6]).reshape(2, 3, *dataset.shape)
    for name in WHOLE.appraise.networks:
        write_json(appraisal / f"{name}.json", figures)
        (appraisal / name).mkdir()
        for kind in ("first", "closest"):
            np.save(appraisal / name / f"{kind}.npy", pairs)


def write_conditions(corrupted: Path, clean) -> None:
    rng = np.random.default_rng(5)
    rows = []
    for condition, level in CONDITIONS.items():
        noise = rng.uniform(size=clean.shape) > level
        write_parts(corrupted / condition / "test", [clean * noise.astype(np.float32)])
        for split in ("valid", "test"):
            row = {"declared": level, "realised": level, "components": clean.size}
            rows.append(
                {"condition": condition, "split": split, "kind": condition.split("_")[0]} | row
            )
    write_table(corrupted / "conditions.parquet", pd.DataFrame(rows))


def write_models(models: Path, dataset, rng) -> None:
    stack = [f"stack/{layer}" for layer in WHOLE.stack.layers]
    classifier = ["classifier/finetuned", "classifier/control"]
    for name in [*stack, *classifier, "autoencoder", "vae", *WHOLE.models]:
        history = [
            {"epoch": n, "train_total": 30 / n, "valid_total": 31 / n + n / 9} for n in range(1, 8)
        ]
        write_json(models / name / "history.json", history)
    weights = rng.normal(size=(20, dataset.size)).astype(np.float32)
    safetensors.numpy.save_file(
        {"encoder.weight": weights}, models / stack[0] / "weights.safetensors"
    )
    write_sweeps(models / "sweep")
    (models / "pca").mkdir()
    np.save(models / "pca" / "explained_variance.npy", np.linspace(1, 0, dataset.size))


def write_sweeps(folder: Path) -> None:
    """Settings of every sweep that is declared; the last has diverged."""
    for name, sweep in WHOLE.sweep.items():
        tried = settings(name, sweep, WHOLE.seed)
        rows = [
            {
                "member": number,
                "setting": number,
                "seed": 1,
                "values": json.dumps(dict(setting.values)),
                "winner": number == 1,
                "epochs": 7,
                "best_epoch": 5,
                "diverged": number == len(tried) - 1,
                "loss": 20.0 + number,
                "reconstruction": 18.0 + number,
                "classification": 0.125 if number == 1 else 0.25 + number / 100,
            }
            for number, setting in enumerate(tried)
        ]
        rows[-1] |= dict.fromkeys(("loss", "reconstruction", "classification"), np.nan)
        (folder / name).mkdir(parents=True)
        write_table(folder / name / "members.parquet", pd.DataFrame(rows))


def write_generated(folder: Path, clean) -> None:
    folder.mkdir()
    np.save(folder / "reconstructions.npy", np.stack([clean[:4], clean[4:8]]))
    frames = clean[:10].reshape(2, 5, *clean.shape[1:])
    np.save(folder / "interpolations.npy", frames)
    np.save(folder / "traversals.npy", frames)
    (folder / "samples.png").write_bytes(tiles(np.zeros((2, 2, 1, 8, 8)), (0, 1)))
    nats, activity = [0.5, 2.0, 1.0], [0.2, 0.9, 0.6]
    described = {"divergence": nats, "activity": activity, "traversal_dimensions": [1, 2]}
    described |= {"frames_per_step": 2}
    write_json(folder / "generated.json", {"format": 1, "traversal_range": 2.5, **described})


def render(inputs: report.Inputs, page: Path, params=PARAMS) -> str:
    report.run(params, inputs, report.Outputs(page), Silent())
    return page.read_text(encoding="utf-8")
