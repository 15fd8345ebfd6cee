"""The comparison: what it claims, against what, and what it refuses."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from aepipe.data.contracts import Comparison, checked, write_table
from aepipe.errors import ArtifactError
from aepipe.models.absent import write_absence
from aepipe.monitor import Silent
from aepipe.params.load import load_params
from aepipe.stages import compare

WHOLE = load_params(Path(__file__).parents[2] / "params.yaml")
PARAMS = compare.Params(
    seed=WHOLE.seed,
    models=WHOLE.models,
    representations=WHOLE.evaluate.representations,
    confidence=0.95,
    resamples=1999,
    networks=WHOLE.appraise.networks,
)
FIGURE = {"value": 0.5, "low": 0.25, "high": 0.75}
APPRAISED = {
    "samples": 40,
    "feature_space": "classifier",
    "generated": {"frechet_distance": FIGURE, "coverage": FIGURE},
    "training": {"frechet_distance": FIGURE, "coverage": FIGURE},
    "memorisation": FIGURE,
}


@pytest.fixture
def evaluation(write_evaluation, small_digits, tmp_path) -> Path:
    return written(write_evaluation, small_digits, tmp_path)


def written(write_evaluation, dataset, folder: Path, labelled: bool = True) -> Path:
    """Write evaluations, and beside them appraisals of every network that is declared."""
    for name in PARAMS.networks:
        (folder / "appraisal" / name).mkdir(parents=True)
        path = folder / "appraisal" / f"{name}.json"
        path.write_text(json.dumps(APPRAISED if labelled else {}))
    return write_evaluation(folder / "evaluation", dataset, labelled=labelled)


def run(evaluation: Path, output: Path, params=PARAMS, monitor=None):
    outputs = compare.Outputs(output / "metrics.json", output / "plots", output / "c.parquet")
    output.mkdir(parents=True)
    inputs = compare.Inputs(evaluation, evaluation.with_name("appraisal"))
    compare.run(params, inputs, outputs, monitor or Silent())
    return json.loads(outputs.metrics.read_text())


def test_every_figure_of_every_evaluation_is_among_the_metrics(evaluation, tmp_path):
    metrics = run(evaluation, tmp_path / "out")
    files = list(evaluation.glob("*.json"))
    assert len(files) == len(WHOLE.evaluate.representations) + len(WHOLE.models)
    for path in files:
        for entry, figures in json.loads(path.read_text()).items():
            flat = metrics["representations"][entry]
            assert flat["code_size"] == figures["code_size"]
            nested = {**(figures["reconstruction"] or {})}
            nested |= {f"accuracy_{name}": f for name, f in figures["accuracy"].items()}
            nested |= {f"head_{name}": f for name, f in figures["heads"].items()}
            for condition, robust in figures["robustness"].items():
                nested |= {f"robust_{name}_{condition}": f for name, f in robust.items()}
            for name, f in nested.items():
                if f is None:
                    assert name not in flat
                else:
                    assert flat[name] == f["value"]
                    interval = metrics["intervals"][entry][name]
                    assert interval == {"low": f["low"], "high": f["high"]}


def test_no_metric_is_null(evaluation, tmp_path):
    run(evaluation, tmp_path / "out")
    assert "null" not in (tmp_path / "out" / "metrics.json").read_text()


def test_each_entry_is_held_against_the_largest_pca_that_is_not_larger(evaluation, tmp_path):
    against = run(evaluation, tmp_path / "out")["against_pca"]
    others = {"raw", "stack", "autoencoder", "classifier", "vae", *WHOLE.models}
    assert set(against) == others
    assert {held["pca"] for held in against.values()} == {"pca_8"}


def test_a_code_smaller_than_every_pca_is_held_against_none(evaluation, tmp_path):
    path = evaluation / "vae.json"
    figures = json.loads(path.read_text())
    figures["vae"]["code_size"] = 3
    path.write_text(json.dumps(figures))
    assert "vae" not in run(evaluation, tmp_path / "out")["against_pca"]


def test_differences_are_those_of_the_figures(evaluation, tmp_path):
    metrics = run(evaluation, tmp_path / "out")
    of = metrics["representations"]
    for entry, held in metrics["against_pca"].items():
        linear = of[entry]["accuracy_linear"] - of["pca_8"]["accuracy_linear"]
        assert held["linear_difference"] == pytest.approx(linear)
        assert held["linear_low"] <= held["linear_difference"] <= held["linear_high"]
    error = of["autoencoder"]["squared_error"] - of["pca_8"]["squared_error"]
    held = metrics["against_pca"]["autoencoder"]
    assert held["squared_error_difference"] == pytest.approx(error)
    assert "squared_error_difference" not in metrics["against_pca"]["classifier"]
    heads = metrics["heads"]["classifier"]
    control = of["classifier"]["head_finetuned"] - of["classifier"]["head_control"]
    assert heads["control_difference"] == pytest.approx(control)
    best = max(of["raw"][f"accuracy_{p}"] for p in ("linear", "nearest_neighbours"))
    assert of["raw"][f"accuracy_{heads['raw']}"] == best


def test_the_best_of_each_figure_is_held_against_by_all_others(evaluation, tmp_path):
    metrics = run(evaluation, tmp_path / "out")
    of, against = metrics["representations"], metrics["against_best"]
    for name, better in (("squared_error", min), ("accuracy_linear", max)):
        values = {entry: figures[name] for entry, figures in of.items() if name in figures}
        best = better(values, key=values.get)
        key = name.removeprefix("accuracy_")
        assert {entry for entry, held in against.items() if f"{key}_best" in held} == {
            entry for entry in values if entry != best
        }
        for entry, value in values.items():
            if entry != best:
                assert against[entry][f"{key}_best"] == best
                difference = against[entry][f"{key}_difference"]
                assert difference == pytest.approx(value - values[best])
                assert against[entry][f"{key}_p_value"] <= against[entry][f"{key}_p_holm"]


def test_half_the_error_is_found_significant_and_a_copy_of_pca_is_not(evaluation, tmp_path):
    table = pd.read_parquet(evaluation / "pca" / "samples.parquet")
    copied = table[table["entry"] == "pca_8"].assign(entry="vae")
    write_table(evaluation / "vae" / "samples.parquet", copied)
    against = run(evaluation, tmp_path / "out")["against_pca"]
    assert against["autoencoder"]["squared_error_p_holm"] < 0.05
    for name in ("squared_error", "linear", "nearest_neighbours"):
        assert against["vae"][f"{name}_difference"] == 0
        assert against["vae"][f"{name}_p_value"] == 1


def test_the_same_inputs_give_the_same_bytes(evaluation, tmp_path):
    for name in ("one", "two"):
        run(evaluation, tmp_path / name)
    files = [path for path in (tmp_path / "one").rglob("*") if path.is_file()]
    assert len(files) == 7
    for path in files:
        other = tmp_path / "two" / path.relative_to(tmp_path / "one")
        assert path.read_bytes() == other.read_bytes()


def test_the_comparison_table_keeps_its_contract_and_agrees_with_the_metrics(evaluation, tmp_path):
    metrics = run(evaluation, tmp_path / "out")
    path = tmp_path / "out" / "c.parquet"
    table = checked(Comparison, pd.read_parquet(path), path).set_index(["entry", "metric"])
    assert (
        table.loc[("stack", "accuracy_linear"), "value"]
        == (metrics["representations"]["stack"]["accuracy_linear"])
    )
    assert (
        table.loc[("stack", "squared_error_difference"), "low"]
        == (metrics["against_pca"]["stack"]["squared_error_low"])
    )


def test_plot_tables_agree_with_the_metrics(evaluation, tmp_path):
    metrics = run(evaluation, tmp_path / "out")["representations"]
    plots = tmp_path / "out" / "plots"
    rows = {
        path.stem: list(csv.DictReader(path.read_text().splitlines()))
        for path in plots.glob("*.csv")
    }
    assert set(rows) == {"accuracy", "reconstruction", "robustness", "labels", "confusion"}
    for row in rows["accuracy"]:
        kind = "head" if row["probe"] in ("finetuned", "control") else "accuracy"
        assert float(row["accuracy"]) == metrics[row["entry"]][f"{kind}_{row['probe']}"]
    for row in rows["reconstruction"]:
        assert float(row["squared_error"]) == metrics[row["entry"]]["squared_error"]
    clean = [row for row in rows["robustness"] if float(row["level"]) == 0]
    assert len(clean) == 2 * len(metrics)  # two kinds of noise
    for row in clean:
        assert float(row["accuracy"]) == metrics[row["entry"]]["accuracy_linear"]
    right = np.mean([row["actual"] == row["predicted"] for row in rows["confusion"]])
    assert right == pytest.approx(metrics["classifier"]["head_finetuned"])


def test_data_without_labels_are_compared_by_their_errors(write_evaluation, small_digits, tmp_path):
    evaluation = written(write_evaluation, small_digits, tmp_path, labelled=False)
    metrics = run(evaluation, tmp_path / "out")
    assert metrics["heads"] == {}
    assert set(metrics["against_pca"]) == {"stack", "autoencoder", "vae", *WHOLE.models}
    assert metrics["test"]["comparisons"] == len(metrics["against_pca"])
    entries = len(metrics["against_pca"]) + 2  # and PCA of both sizes
    assert len(metrics["against_best"]) == entries - 1
    assert metrics["test"]["pairs"] == entries * (entries - 1) / 2
    confusion = (tmp_path / "out" / "plots" / "confusion.csv").read_text()
    assert confusion == "actual,predicted\n"


def test_a_classifier_that_was_not_trained_is_told_and_the_others_are_compared(
    write_evaluation, small_digits, tmp_path
):
    evaluation = written(write_evaluation, small_digits, tmp_path, labelled=False)
    before = run(evaluation, tmp_path / "before")
    forget_classifier(evaluation)
    metrics = run(evaluation, tmp_path / "out")
    assert metrics["absent"] == {"classifier": "no training sample has a label"}
    assert before["absent"] == {}
    assert set(before["representations"]) - set(metrics["representations"]) == {"classifier"}
    for section in ("against_pca", "against_best", "heads", "test"):
        assert metrics[section] == before[section]


def forget_classifier(evaluation: Path) -> None:
    """Leave of the classifier what `evaluate` writes where there is none."""
    (evaluation / "classifier.json").write_text("{}")
    table = evaluation / "classifier" / "samples.parquet"
    write_table(table, pd.read_parquet(table).iloc[:0])
    write_absence(evaluation / "classifier", "no training sample has a label")


def test_figures_that_are_declared_are_among_the_metrics(evaluation, tmp_path):
    path = evaluation / "vae.json"
    content = json.loads(path.read_text())
    figure = {"value": 0.5, "low": 0.25, "high": 0.75}
    anomaly = dict.fromkeys(("accuracy", "recall", "roc_auc"), figure)
    content["vae"] |= {
        "anomaly": {"positive": "normal", "threshold": 2.0, "precision": None, **anomaly},
        "concepts": {"mean": figure, "classes": {}},
        "retrieval": {"precision_at_1": figure, "mean_average_precision": figure},
        "labels": {"10": {"accuracy": figure, "draws": [0.5], "inverse_penalties": [1.0]}},
        "clustering": {"nmi": figure, "ari": figure},
        "neighbourhood": {"trustworthiness": figure, "continuity": figure},
        "geometry": {"effective_dimension": figure, "dead_units": 3, "jacobian_norm": None},
        "likelihood": {"log_likelihood": figure, "active_units": 2},
    }
    path.write_text(json.dumps(content))
    metrics = run(evaluation, tmp_path / "out")
    names = {
        "anomaly_accuracy", "anomaly_recall", "anomaly_roc_auc", "concepts_area",
        "retrieval_precision_at_1", "retrieval_mean_average_precision", "labels_accuracy_10",
        "clustering_nmi", "clustering_ari", "neighbourhood_trustworthiness",
        "neighbourhood_continuity", "geometry_effective_dimension", "likelihood_log_likelihood",
    }  # fmt: skip
    for name in names:
        assert metrics["representations"]["vae"][name] == 0.5
        assert metrics["intervals"]["vae"][name] == {"low": 0.25, "high": 0.75}
    vae = metrics["representations"]["vae"]
    assert (vae["geometry_dead_units"], vae["likelihood_active_units"]) == (3, 2)
    assert not {"anomaly_precision", "geometry_jacobian_norm"} & set(vae)
    assert "geometry_dead_units" not in metrics["intervals"]["vae"]
    lines = (tmp_path / "out" / "plots" / "labels.csv").read_text().splitlines()
    assert lines[0] == "entry,labels,accuracy,low,high"
    assert [line for line in lines if line.startswith("vae,")] == ["vae,10,0.5,0.25,0.75"]
    assert not names & set(metrics["representations"]["stack"])


def test_what_a_network_generates_is_among_its_metrics(evaluation, tmp_path):
    metrics = run(evaluation, tmp_path / "out")
    names = {
        "generation_frechet_distance", "generation_coverage", "generation_memorisation",
        "generation_training_frechet_distance", "generation_training_coverage",
    }  # fmt: skip
    for name in names:
        assert metrics["representations"]["vae"][name] == 0.5
        assert metrics["intervals"]["vae"][name] == {"low": 0.25, "high": 0.75}
    assert not names & set(metrics["representations"]["stack"])


def test_an_appraisal_that_is_missing_or_left_over_is_told_with_its_remedy(evaluation, tmp_path):
    appraisal = evaluation.with_name("appraisal")
    (appraisal / "old.json").write_text("{}")
    with pytest.raises(ArtifactError, match=r"holds old\.json, which params\.yaml does not"):
        run(evaluation, tmp_path / "one")
    (appraisal / "vae.json").unlink()
    with pytest.raises(ArtifactError, match=r"vae\.json: no such file; `dvc repro appraise@vae`"):
        run(evaluation, tmp_path / "two")


def test_without_pca_nothing_is_held_against_it(evaluation, tmp_path):
    shutil.rmtree(evaluation / "pca")
    (evaluation / "pca.json").unlink()
    paths = {name: p for name, p in PARAMS.representations.items() if name != "pca"}
    metrics = run(evaluation, tmp_path / "out", replace(PARAMS, representations=paths))
    assert metrics["against_pca"] == {}


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("stack", "dvc repro evaluate@stack"),
        (next(iter(WHOLE.models)), "dvc repro evaluate-model@"),
    ],
)
def test_a_missing_evaluation_is_named_with_the_stage_that_makes_it(
    name, command, evaluation, tmp_path
):
    (evaluation / f"{name}.json").unlink()
    with pytest.raises(ArtifactError, match=rf"{name}\.json: no such file; `{command}"):
        run(evaluation, tmp_path / "out")


def test_leftovers_of_what_is_declared_no_longer_are_refused_with_the_command(evaluation, tmp_path):
    shutil.copytree(evaluation / "vae", evaluation / "old")
    shutil.copy(evaluation / "vae.json", evaluation / "old.json")
    (evaluation / ".gitignore").write_text("/vae\n")  # DVC's own
    with pytest.raises(ArtifactError, match=r"which params\.yaml does not declare") as error:
        run(evaluation, tmp_path / "out")
    assert f"`rm -r {evaluation / 'old'} {evaluation / 'old.json'}`" in str(error.value)


def test_an_evaluation_of_other_samples_is_refused(evaluation, tmp_path):
    path = evaluation / "vae" / "samples.parquet"
    write_table(path, pd.read_parquet(path).iloc[1:])
    with pytest.raises(ArtifactError, match="39 samples of vae are not the 40 of raw"):
        run(evaluation, tmp_path / "out")


def test_too_few_resamples_to_show_anything_are_warned_of(evaluation, tmp_path):
    class Listening:
        def __init__(self):
            self.warnings = []
            self.warn = self.warnings.append

        def remark(self, text):
            pass

    monitor = Listening()
    run(evaluation, tmp_path / "few", replace(PARAMS, resamples=50), monitor)
    run(evaluation, tmp_path / "enough", PARAMS, monitor)
    assert len(monitor.warnings) == 1
    assert "evaluate.resamples = 50 can't show a difference" in monitor.warnings[0]


def with_repeats(evaluation: Path, changes: dict[str, list[float]]) -> None:
    """Give each network further trainings, whose errors and accuracies differ from the first's."""
    for path in evaluation.glob("*.json"):
        content = json.loads(path.read_text())
        if path.stem in ("raw", "pca"):
            continue
        for figures in content.values():
            repeats = [json.loads(json.dumps(figures)) for _ in changes["linear"]]
            for number, repeat in enumerate(repeats):
                repeat["accuracy"]["linear"]["value"] += changes["linear"][number]
                if repeat["reconstruction"]:
                    error = repeat["reconstruction"]["squared_error"]
                    error["value"] += changes["squared_error"][number]
            figures["repeats"] = repeats
        path.write_text(json.dumps(content))
    for name in PARAMS.networks:
        path = evaluation.with_name("appraisal") / f"{name}.json"
        repeats = [APPRAISED] * len(changes["linear"])
        path.write_text(json.dumps(APPRAISED | {"repeats": repeats}))


def test_spread_over_trainings_is_of_all_of_them_and_nothing_else_changes(evaluation, tmp_path):
    once = run(evaluation, tmp_path / "once")
    assert (once["test"]["trainings"], once["trainings"]) == (1, {})
    with_repeats(evaluation, {"linear": [0.01, -0.03], "squared_error": [0.5, 9.0]})
    thrice = run(evaluation, tmp_path / "thrice")

    networks = {"stack", "autoencoder", "classifier", "vae", *WHOLE.models}
    assert set(thrice["trainings"]) == networks  # PCA and raw features have no seed
    for entry in networks:
        value = once["representations"][entry]["accuracy_linear"]
        values = [value, value + 0.01, value - 0.03]
        low, high = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
        assert thrice["trainings"][entry]["accuracy_linear"] == pytest.approx(
            {"mean": np.mean(values), "deviation": np.std(values, ddof=1), "low": low, "high": high}
        )
        assert not {"code_size", "parameters"} & set(thrice["trainings"][entry])
    for key in ("representations", "intervals", "heads", "against_best"):
        assert thrice[key] == once[key]
    assert thrice["test"] == {**once["test"], "trainings": 3}


def test_trainings_that_are_better_than_pca_are_counted(evaluation, tmp_path):
    with_repeats(evaluation, {"linear": [-1.0, 1.0], "squared_error": [-0.1, 90.0]})
    metrics = run(evaluation, tmp_path / "out")
    held = metrics["against_pca"]["autoencoder"]
    of = metrics["representations"]
    assert of["autoencoder"]["squared_error"] < of[held["pca"]]["squared_error"]
    assert held["squared_error_trainings"] == 2
    first = of["autoencoder"]["accuracy_linear"] > of[held["pca"]]["accuracy_linear"]
    assert held["linear_trainings"] == 1 + first
