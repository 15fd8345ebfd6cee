"""Laws of the evaluation, on raw features and PCA of a small dataset."""

import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn import decomposition

from aepipe.data.contracts import Predictions, checked
from aepipe.data.seeds import derive
from aepipe.errors import ArtifactError, ContractError
from aepipe.evaluation.pca import fit_pca, save_pca
from aepipe.evaluation.threads import one_thread
from aepipe.models.absent import absence, write_absence
from aepipe.monitor import Silent
from aepipe.params.corruption import CorruptionSection
from aepipe.params.evaluation import Probes
from aepipe.params.judgements import (
    Anomaly,
    Clustering,
    Concepts,
    Further,
    Geometry,
    Labels,
    Likelihood,
    Neighbourhood,
    Retrieval,
)
from aepipe.representation import Representation
from aepipe.stages import corrupt, evaluate
from aepipe.stages.evaluate import Inputs, Outputs, Params, as_subject

CONFIG = {
    "linear": {"inverse_penalties": [0.01, 1.0]},
    "nearest_neighbours": {"neighbours": [1, 3]},
    "support_vectors": {"inverse_penalties": [1.0], "gammas": [0.3, 1.0]},
    "random_forest": {"trees": 20, "leaf_sizes": [1, 3]},
    "gradient_boosting": {"rounds": 5, "learning_rates": [0.1]},
    "rows": 100,
}
LIKELIHOOD = Likelihood(samples=20, rows=30, binarised=True)
CONDITIONS = [
    {"kind": "masking", "fraction": 0.0},
    {"kind": "gaussian", "standard_deviation": 0.5},
]
ANOMALY = Anomaly.model_validate(
    {
        "normal": ["0", "1"], "positive": "anomalous", "error": "squared",
        "threshold": {"kind": "quantile", "level": 0.9},
    }
)  # fmt: skip
CONCEPTS = Concepts(choose_on="train")
RETRIEVAL = Retrieval(at=(1, 5, 20))
GEOMETRY = Geometry(rows=30, projections=64)
FURTHER = Further(
    anomaly=ANOMALY,
    concepts=CONCEPTS,
    retrieval=RETRIEVAL,
    likelihood=LIKELIHOOD,
    geometry=GEOMETRY,
    labels=Labels(counts=(10, 60, 5000), draws=3),
    clustering=Clustering(initialisations=3),
    neighbourhood=Neighbourhood(rows=30, neighbours=4),
)
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pipeline(small_digits, tmp_path_factory) -> Path:
    """A folder with the dataset, its corrupted splits and PCA of 3 and 10 components."""
    folder = tmp_path_factory.mktemp("pipeline")
    shutil.copytree(small_digits.folder, folder / "dataset")
    section = CorruptionSection.model_validate({"conditions": CONDITIONS})
    corrupt.run(
        corrupt.Params(0, section),
        corrupt.Inputs(folder / "dataset"),
        corrupt.Outputs(folder / "corrupted"),
        Silent(),
    )
    train = small_digits.scaled(small_digits.features("train").load())
    save_pca(folder / "pca", fit_pca([train], [3, 10]))
    run(folder, folder / "dataset", "raw")
    run(folder, folder / "pca", "pca")
    return folder


def run(folder: Path, model: Path, name: str, batch_size: int = 16, monitor=None) -> None:
    """Evaluate ``model`` into ``folder/reports``."""
    reports = folder / "reports"
    reports.mkdir(exist_ok=True)
    evaluate.run(
        Params(0, 1, name, Probes.model_validate(CONFIG), 0.95, 200, 4, batch_size, FURTHER),
        Inputs(folder / "dataset", folder / "corrupted", model),
        Outputs(reports / f"{name}.json", reports / name),
        monitor or Silent(),
    )


def figures(folder: Path, name: str) -> dict:
    return json.loads((folder / "reports" / f"{name}.json").read_text())


def table(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(folder / "reports" / name / "samples.parquet")


def leaves(content) -> list:
    if isinstance(content, dict):
        return leaves(list(content.values()))
    if isinstance(content, list):
        return [leaf for value in content for leaf in leaves(value)]
    return [content]


def triples(content) -> list[dict]:
    if not isinstance(content, dict):
        return []
    if set(content) == {"value", "low", "high"}:
        return [content]
    return [found for value in content.values() for found in triples(value)]


def test_entries_are_named_after_the_representation_and_its_size(pipeline):
    assert list(figures(pipeline, "raw")) == ["raw"]
    assert {k: v["code_size"] for k, v in figures(pipeline, "pca").items()} == {
        "pca_3": 3,
        "pca_10": 10,
    }
    # components and mean of 64 pixels
    assert [v["parameters"] for v in figures(pipeline, "pca").values()] == [4 * 64, 11 * 64]
    assert figures(pipeline, "raw")["raw"]["parameters"] == 0
    files = sorted(path.name for path in (pipeline / "reports" / "pca").iterdir())
    kinds = ("", ".concepts", ".noisy", ".worst")
    arrays = [f"pca_{size}{kind}.npy" for size in (10, 3) for kind in kinds]
    assert files == sorted([*arrays, "samples.parquet", "map.parquet"])


@pytest.mark.parametrize("name", ["raw", "pca"])
def test_every_figure_is_finite_and_within_its_interval(pipeline, name):
    content = figures(pipeline, name)

    assert all(math.isfinite(leaf) for leaf in leaves(content) if isinstance(leaf, float | int))
    found = triples(content)
    assert len(found) > 6
    assert all(f["low"] <= f["value"] <= f["high"] for f in found)


@pytest.mark.parametrize("name", ["raw", "pca"])
def test_each_accuracy_is_that_of_its_predictions(pipeline, name, small_digits):
    for entry, content in figures(pipeline, name).items():
        rows = table(pipeline, name)
        rows = rows[rows["entry"] == entry]
        assert list(rows["id"]) == list(small_digits.ids("test"))
        for probe, figure in content["accuracy"].items():
            right = (rows[f"predicted_{probe}"] == rows["label"]).mean()
            assert figure["value"] == pytest.approx(right)
        assert set(content["accuracy"]) == set(content["chosen"]) == set(CONFIG) - {"rows"}


def test_reconstruction_figures_are_those_of_an_independent_pca(pipeline, small_digits):
    train, test = (
        small_digits.scaled(small_digits.features(split).load()).reshape(-1, 64).astype(np.float64)
        for split in ("train", "test")
    )
    oracle = decomposition.PCA(10, svd_solver="full").fit(train)
    decoded = oracle.inverse_transform(oracle.transform(test))
    errors = np.square(decoded - test).sum(axis=1)

    content = figures(pipeline, "pca")["pca_10"]["reconstruction"]
    rows = table(pipeline, "pca").query("entry == 'pca_10'")
    np.testing.assert_allclose(rows["squared_error"], errors, rtol=1e-4)
    assert content["squared_error"]["value"] == pytest.approx(errors.mean(), rel=1e-5)
    assert content["psnr"]["value"] == pytest.approx(-10 * np.log10(errors.mean() / 64), rel=1e-5)
    explained = 1 - errors.sum() / np.square(test - test.mean(axis=0)).sum()
    assert content["explained_variance"]["value"] == pytest.approx(explained, rel=1e-5)
    inside = decoded.clip(1e-6, 1 - 1e-6)
    entropy = -(test * np.log(inside) + (1 - test) * np.log(1 - inside)).sum(axis=1).mean()
    assert content["cross_entropy"]["value"] == pytest.approx(entropy, rel=0.05)
    examples = np.load(pipeline / "reports" / "pca" / "pca_10.npy")
    np.testing.assert_allclose(examples.reshape(4, 64), decoded[:4], atol=1e-5)


def test_further_judgements_are_those_that_are_declared(pipeline, small_digits):
    for content in figures(pipeline, "pca").values():
        assert content["anomaly"]["recall"]["value"] > 0
        assert content["retrieval"]["precision_at_1"]["value"] > 0.5
        classes = content["concepts"]["classes"]
        assert set(classes) == {small_digits.classes[n] for n in set(small_digits.labels("test"))}
        areas = [concept["area"]["value"] for concept in classes.values()]
        assert content["concepts"]["mean"]["value"] == pytest.approx(np.mean(areas))
        assert {concept["sample"] for concept in classes.values()} <= set(small_digits.ids("test"))
    raw = figures(pipeline, "raw")["raw"]
    assert raw["anomaly"] is None  # nothing is reconstructed
    assert raw["retrieval"]["precision_at_1"]["value"] > 0.5


def test_all_labels_are_the_linear_probe_and_fewer_are_worse(pipeline):
    for content in figures(pipeline, "pca").values():
        ten, sixty, all_of_them = content["labels"].values()
        assert list(content["labels"]) == ["10", "60", "100"]  # probes.rows is 100
        assert all_of_them["accuracy"] == content["accuracy"]["linear"]
        assert len(ten["draws"]) == len(sixty["draws"]) == 3
        assert ten["accuracy"]["value"] == pytest.approx(np.mean(ten["draws"]))
        assert ten["accuracy"]["value"] < all_of_them["accuracy"]["value"]


def test_raw_features_keep_every_neighbour(pipeline):
    raw, pca = (figures(pipeline, name)[e] for name, e in (("raw", "raw"), ("pca", "pca_3")))
    assert {f["value"] for f in raw["neighbourhood"].values()} == {1}
    assert all(0.5 < f["value"] < 1 for f in pca["neighbourhood"].values())
    assert all(0 < f["value"] < 1 for f in pca["clustering"].values())


def test_raw_features_reconstruct_nothing_and_keep_the_originals(pipeline, small_digits):
    content = figures(pipeline, "raw")["raw"]
    originals = small_digits.scaled(small_digits.features("test").load())

    assert content["reconstruction"] is None
    assert all(c["squared_error"] is None for c in content["robustness"].values())
    assert table(pipeline, "raw")["squared_error"].isna().all()
    np.testing.assert_array_equal(np.load(pipeline / "reports" / "raw" / "raw.npy"), originals[:4])


def test_the_geometry_is_that_of_the_map_itself(pipeline, small_digits):
    raw = figures(pipeline, "raw")["raw"]["geometry"]
    assert raw["jacobian_norm"]["value"] == pytest.approx(8)  # of the identity on 64 pixels
    assert raw["saturated_units"] is None
    rows = np.sort(
        np.random.default_rng(derive(0, "geometry")).permutation(small_digits.counts["test"])[:30]
    )
    shown = small_digits.scaled(small_digits.features("test").rows(rows)).reshape(30, -1)
    assert raw["dead_units"] == np.sum(np.ptp(shown, axis=0) == 0)
    values = np.linalg.eigvalsh(np.cov(shown.T.astype(float)))
    expected = values.sum() ** 2 / np.square(values).sum()
    assert raw["effective_dimension"]["value"] == pytest.approx(expected)
    assert figures(pipeline, "pca")["pca_3"]["geometry"]["effective_dimension"]["value"] <= 3


def test_a_corruption_that_changes_nothing_costs_nothing(pipeline):
    for content in figures(pipeline, "pca").values():
        assert list(content["robustness"]) == ["masking_0", "gaussian_0.5"]
        same, noisy = content["robustness"].values()
        assert same["accuracy"] == content["accuracy"]["linear"]
        assert same["squared_error"]["value"] == pytest.approx(
            content["reconstruction"]["squared_error"]["value"]
        )
        assert noisy["squared_error"]["value"] > 1.2 * same["squared_error"]["value"]
        assert noisy["accuracy"]["value"] < same["accuracy"]["value"]


def test_figures_do_not_depend_on_the_batches(pipeline, tmp_path):
    for name in ("dataset", "corrupted", "pca"):
        (tmp_path / name).symlink_to(pipeline / name)
    run(tmp_path, tmp_path / "pca", "pca", batch_size=7)

    here, there = leaves(figures(tmp_path, "pca")), leaves(figures(pipeline, "pca"))
    exact = (str, type(None))
    text = [[leaf for leaf in found if isinstance(leaf, exact)] for found in (here, there)]
    numbers = [[leaf for leaf in found if not isinstance(leaf, exact)] for found in (here, there)]
    assert text[0] == text[1]
    assert numbers[0] == pytest.approx(numbers[1], rel=1e-5)


def test_another_process_gives_the_same_bytes(pipeline, tmp_path):
    for name in ("dataset", "corrupted", "pca"):
        (tmp_path / name).symlink_to(pipeline / name)
    script = (
        "import importlib.util, pathlib\n"
        f"spec = importlib.util.spec_from_file_location('laws', {__file__!r})\n"
        "laws = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(laws)\n"
        f"folder = pathlib.Path({str(tmp_path)!r})\n"
        "laws.run(folder, folder / 'pca', 'pca')\n"
    )
    # another hash seed and another number of threads must not show
    environment = os.environ | {"PYTHONHASHSEED": "12", "OMP_NUM_THREADS": "3"}
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, check=True)

    files = sorted(p for p in (tmp_path / "reports").rglob("*") if p.is_file())
    assert len(files) == 11
    for file in files:
        twin = pipeline / "reports" / file.relative_to(tmp_path / "reports")
        assert file.read_bytes() == twin.read_bytes(), file.name


@pytest.fixture
def relabelled(pipeline, tmp_path):
    """Give a function that copies the pipeline with other labels."""

    def make(change) -> Path:
        for name in ("corrupted", "pca"):
            (tmp_path / name).symlink_to(pipeline / name)
        shutil.copytree(pipeline / "dataset", tmp_path / "dataset")
        samples = pd.read_parquet(pipeline / "dataset" / "samples.parquet")
        samples["label"] = change(samples)
        samples.to_parquet(tmp_path / "dataset" / "samples.parquet", index=False)
        return tmp_path

    return make


def test_test_labels_change_neither_what_is_chosen_nor_what_is_predicted(pipeline, relabelled):
    folder = relabelled(lambda s: s["label"].where(s["split"] != "test", s["label"].max()))
    run(folder, folder / "pca", "pca")

    for entry, content in figures(pipeline, "pca").items():
        assert figures(folder, "pca")[entry]["chosen"] == content["chosen"]
    predicted = [name for name in table(folder, "pca") if name.startswith("predicted_")]
    assert len(predicted) == 5
    pd.testing.assert_frame_equal(
        table(folder, "pca")[predicted], table(pipeline, "pca")[predicted]
    )


class Hearing(Silent):
    """Keeps the remarks."""

    def __init__(self):
        self.remarks = []

    def remark(self, text):
        self.remarks.append(text)


def test_without_labels_there_are_no_accuracies_and_a_remark_says_so(relabelled):
    folder, hearing = relabelled(lambda samples: -1), Hearing()
    run(folder, folder / "pca", "pca", monitor=hearing)

    for content in figures(folder, "pca").values():
        assert content["accuracy"] is None
        assert content["chosen"] == {}
        judged = ("anomaly", "concepts", "retrieval", "labels", "clustering")
        assert all(content[name] is None for name in judged)
        assert content["neighbourhood"]["continuity"]["value"] > 0.5
        assert all(c["accuracy"] is None for c in content["robustness"].values())
        assert content["reconstruction"]["ssim"]["value"] > 0
    assert list(table(folder, "pca")) == ["entry", "id", "label", "squared_error"]
    assert [text for text in hearing.remarks if text.startswith("no accuracies: 0 classes")]


def test_heads_predict_the_label_of_the_largest_logit():
    logits = torch.tensor([[0.1, 0.9, 0.0], [2.0, 1.0, -1.0]])
    representation = Representation("", 2, lambda x: x, None, {"own": lambda x: logits})
    subject = as_subject(representation, Path("models/any"))

    np.testing.assert_array_equal(subject.heads["own"](np.zeros((2, 2), np.float32)), [1, 0])
    assert subject.decode is None


def test_codes_that_are_not_finite_are_refused():
    representation = Representation("", 2, lambda x: x / 0, None)
    subject = as_subject(representation, Path("models/any"))
    with pytest.raises(ContractError, match="models/any: gives codes that are not finite"):
        subject.encode(np.ones((3, 2), np.float32))


def test_a_model_that_was_not_trained_has_no_figures_and_says_why(pipeline, tmp_path):
    for name in ("dataset", "corrupted"):
        (tmp_path / name).symlink_to(pipeline / name)
    write_absence(tmp_path / "classifier", "nobody knows")
    run(tmp_path, tmp_path / "classifier", "classifier")
    assert figures(tmp_path, "classifier") == {}
    assert absence(tmp_path / "reports" / "classifier") == "nobody knows"
    path = tmp_path / "reports" / "classifier" / "samples.parquet"
    assert len(checked(Predictions, pd.read_parquet(path), path)) == 0


def test_threads_are_lent_back():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_missing_table_of_conditions_is_told_with_its_remedy(pipeline, tmp_path):
    for name in ("dataset", "pca"):
        (tmp_path / name).symlink_to(pipeline / name)
    with pytest.raises(ArtifactError, match=r"conditions.parquet: no such file; `dvc repro`"):
        run(tmp_path, tmp_path / "pca", "pca")
