"""A semi-adversarial entry from training to figures, on a small dataset."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from aepipe.data.dataset import open_dataset
from aepipe.errors import ParamsError
from aepipe.evaluation.privacy import best_guess
from aepipe.models.files import load_model
from aepipe.monitor import Silent
from aepipe.params.corruption import CorruptionSection
from aepipe.params.evaluation import Probes
from aepipe.params.judgements import Further
from aepipe.params.load import validate
from aepipe.params.models import Model
from aepipe.representation import load_representations
from aepipe.stages import corrupt, evaluate, model

TRAINING = {
    "epochs": 3, "batch_size": 32, "learning_rate": 0.005, "schedule": "cosine",
    "weight_decay": 0.0, "patience": 3, "precision": "float32",
}  # fmt: skip
KEEP = {"even": ["0", "2", "4", "6", "8"], "odd": ["1", "3", "5", "7", "9"]}
HIDE = {"small": ["0", "1", "2", "3", "4"], "large": ["5", "6", "7", "8", "9"]}
DECLARED = {
    "kind": "semi_adversarial",
    "architecture": {"kind": "dense", "widths": [16], "code_size": 8, "activation": "tanh"},
    "reconstruction": "squared", "keep": KEEP, "hide": HIDE, "hiding": "other",
    "weights": {"reconstruction": 0.1, "keep": 1.0, "hide": 1.0},
    "classifiers": {"widths": [16], "activation": "relu", "dropout": 0.1, "training": TRAINING},
    "training": TRAINING,
}  # fmt: skip
PROBES = {
    "linear": {"inverse_penalties": [1.0]},
    "others": {"bayes": {"estimator": "GaussianNB"}},
    "rows": 1000,
}


def train(dataset: Path, output: Path, **changed) -> None:
    config = validate(Model, {**DECLARED, **changed}, "models.mine")
    model.run(
        model.Params(7, "mine", config, seeds=1),
        model.Inputs(dataset),
        model.Outputs(output),
        Silent(),
    )


@pytest.fixture(scope="module")
def judged(small_digits, tmp_path_factory) -> Path:
    """A folder with the dataset, its corrupted splits, the model and its evaluation."""
    folder = tmp_path_factory.mktemp("privacy")
    shutil.copytree(small_digits.folder, folder / "dataset")
    conditions = {"conditions": [{"kind": "masking", "fraction": 0.1}]}
    corrupt.run(
        corrupt.Params(0, CorruptionSection.model_validate(conditions)),
        corrupt.Inputs(folder / "dataset"),
        corrupt.Outputs(folder / "corrupted"),
        Silent(),
    )
    train(folder / "dataset", folder / "model")
    evaluate.run(
        evaluate.Params(0, 1, "mine", Probes.model_validate(PROBES), 0.95, 50, 4, 16, Further()),
        evaluate.Inputs(folder / "dataset", folder / "corrupted", folder / "model"),
        evaluate.Outputs(folder / "mine.json", folder / "mine"),
        Silent(),
    )
    return folder


@pytest.fixture(scope="module")
def figures(judged) -> dict:
    return json.loads((judged / "mine.json").read_text())["mine"]["privacy"]


def split(folder: Path, name: str) -> tuple[torch.Tensor, np.ndarray]:
    dataset = open_dataset(folder / "dataset")
    samples = dataset.scaled(dataset.features(name).load())
    return torch.from_numpy(samples), dataset.labels(name)


def transformed(folder: Path, samples: torch.Tensor) -> torch.Tensor:
    network = load_model(folder / "model")
    return network.mean(network.decode(network.encode(samples)))


def test_trained_twice_gives_the_same_bytes(small_digits, tmp_path):
    for name in ("one", "two"):
        torch.manual_seed(hash(name))  # what happened before must not matter
        train(small_digits.folder, tmp_path / name)
    files = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*.*"))
    names = {str(path) for path in files}
    assert {"model.json", "history.json", "keep/weights.safetensors", "hide/history.json"} <= names
    for path in files:
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "two" / path).read_bytes()


def test_each_of_its_networks_goes_on_where_a_kill_stopped_it(
    small_digits, judged, tmp_path, interrupted
):
    kills = interrupted(lambda: train(small_digits.folder, tmp_path / "model"))
    assert kills == 3 * TRAINING["epochs"]
    files = [p.relative_to(tmp_path) for p in (tmp_path / "model").rglob("*.*")]
    assert len(files) == 9
    for path in files:
        assert (tmp_path / path).read_bytes() == (judged / path).read_bytes()


def test_the_classifiers_do_not_depend_on_what_is_hidden_from_them(small_digits, judged, tmp_path):
    weights = {"reconstruction": 1.0, "keep": 0.0, "hide": 9.0}
    train(small_digits.folder, tmp_path / "other", weights=weights, hiding="uniform")
    for name in ("keep", "hide"):
        first, second = (
            (folder / name / "weights.safetensors").read_bytes()
            for folder in (judged / "model", tmp_path / "other")
        )
        assert first == second
    first, second = (
        (folder / "weights.safetensors").read_bytes()
        for folder in (judged / "model", tmp_path / "other")
    )
    assert first != second


def test_its_history_tells_the_three_terms(judged):
    history = json.loads((judged / "model" / "history.json").read_text())
    assert len(history) == 3
    for row in history:
        terms = sum(row[f"valid_{name}"] for name in ("reconstruction", "keep", "hide"))
        assert row["valid_total"] == pytest.approx(terms)


def test_it_is_a_representation_like_any_other_with_its_attributes(judged):
    (representation,) = load_representations(judged / "model")
    assert representation.code_size == 8
    assert {name: a.groups for name, a in representation.attributes.items()} == {
        "keep": KEEP,
        "hide": HIDE,
    }


def test_the_fixed_classifiers_are_judged_on_the_test_split_before_and_after(judged, figures):
    samples, labels = split(judged, "test")
    shown = {"before": samples, "after": transformed(judged, samples)}
    for name, groups in (("keep", KEEP), ("hide", HIDE)):
        names = list(groups.values())
        truth = np.array([next(i for i, g in enumerate(names) if str(k) in g) for k in labels])
        for view, seen in shown.items():
            right = load_model(judged / "model" / name)(seen).argmax(dim=1).numpy() == truth
            assert figures[name]["fixed"][view]["value"] == pytest.approx(right.mean())
        assert figures[name]["groups"] == list(groups)


def test_attackers_learn_from_transformed_training_samples(judged, figures):
    (train_x, train_y), (test_x, test_y) = split(judged, "train"), split(judged, "test")
    seen, asked = (transformed(judged, x).flatten(1).double().numpy() for x in (train_x, test_x))
    scale = StandardScaler().fit(seen)
    attacker = LogisticRegression(C=1.0, max_iter=1000).fit(scale.transform(seen), train_y >= 5)
    expected = attacker.score(scale.transform(asked), test_y >= 5)
    assert list(figures["hide"]["fresh"]) == ["linear", "bayes"]
    assert figures["hide"]["fresh"]["linear"]["after"]["value"] == pytest.approx(expected)


def test_chance_and_what_the_other_attribute_tells_are_those_of_the_labels(judged, figures):
    labels, trained = split(judged, "test")[1], split(judged, "train")[1]
    large = labels >= 5
    most = np.mean(trained >= 5) > 0.5
    assert figures["hide"]["chance"] == pytest.approx(np.mean(large == most))
    told = sum(
        max(np.sum(large & (labels % 2 == parity)), np.sum(~large & (labels % 2 == parity)))
        for parity in (0, 1)
    )
    assert figures["hide"]["given_other"] == pytest.approx(told / len(labels))


def test_the_change_is_the_squared_error_summed_over_features(judged, figures):
    samples, _ = split(judged, "test")
    change = (transformed(judged, samples) - samples).square().flatten(1).sum(dim=1).mean()
    assert figures["squared_change"]["value"] == pytest.approx(change.item(), rel=1e-5)


def test_one_attribute_tells_the_other_wholly_or_not_at_all():
    seen = np.array([0, 0, 1, 1])
    assert best_guess(seen, seen) == 1.0
    assert best_guess(seen, np.array([0, 1, 0, 1])) == 0.5


def test_attributes_of_other_classes_are_refused_before_anything_is_trained(small_digits, tmp_path):
    keep = {"even": KEEP["even"], "odd": ["1", "3", "5", "7", "nine"]}
    hide = {"small": HIDE["small"], "large": ["5", "6", "7", "8", "nine"]}
    with pytest.raises(
        ParamsError, match=r"model@mine\.keep: the data have no class 'nine'; known"
    ):
        train(small_digits.folder, tmp_path / "none", keep=keep, hide=hide)
    assert not (tmp_path / "none").exists()
