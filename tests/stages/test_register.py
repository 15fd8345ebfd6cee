import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from aepipe.errors import ArtifactError, ContractError
from aepipe.models.absent import write_absence
from aepipe.monitor import Silent
from aepipe.params.evaluation import Registered, Registry
from aepipe.registry.described import read_registered
from aepipe.reporting.metrics import Metrics, write_metrics
from aepipe.stages import register

MODELS = {
    "an-encoder": Registered(kind="encoder", model="models/autoencoder"),
    "a-classifier": Registered(kind="classifier", model="models/classifier"),
}
GATES = {
    "an-encoder": [
        "deep.squared_error <= pca.squared_error - 0.5",
        "deep.squared_error not worse than champion",
    ]
}
PARAMS = register.Params(
    Registry(experiment="experiment", alias="candidate", models=MODELS, gates=GATES),
    {"stack": "models/stack", "deep": "models/autoencoder", "classifier": "models/classifier"},
)
METRICS = {
    "raw": {"code_size": 64},
    "pca_24": {"squared_error": 2.25},
    "stack": {"squared_error": 3.0},
    "deep": {"squared_error": 2.0},
    "classifier": {"accuracy_linear": 0.9},
    "k_sparse": {"squared_error": 4.0},
}


@pytest.fixture
def inputs(tmp_path, small_digits) -> register.Inputs:
    models = tmp_path / "models"
    for folder in ("autoencoder", "classifier/finetuned", "classifier/control", "k_sparse"):
        (models / folder).mkdir(parents=True)
        (models / folder / "model.json").write_text("{}")
        (models / folder / "weights.safetensors").write_text(folder)
    measure(tmp_path / "metrics.json", METRICS)
    return register.Inputs(models, tmp_path / "metrics.json", small_digits.folder)


def measure(path: Path, representations: dict) -> None:
    intervals = {"deep": {"squared_error": {"low": 1.9, "high": 2.1}}}
    against = {"deep": {"pca": "pca_24", "squared_error_difference": -0.25}}
    test = {"samples": 360, "confidence": 0.95, "comparisons": 1}
    metrics = Metrics(test, representations, intervals, against, {}, heads={}, absent={})
    write_metrics(path, metrics)


def registered(params: register.Params, inputs: register.Inputs) -> dict:
    path = inputs.metrics.with_name("registered.json")
    register.run(params, inputs, register.Outputs(path), Silent())
    return json.loads(path.read_text())


def test_each_model_is_described_by_its_kind_its_bytes_and_the_figures_about_it(inputs):
    models = registered(PARAMS, inputs)["models"]
    assert list(models) == ["an-encoder", "a-classifier"]
    assert models["an-encoder"]["kind"] == "encoder"
    assert models["an-encoder"]["folder"] == "models/autoencoder"
    assert models["an-encoder"]["metrics"] == {"deep": {"squared_error": 2.0}}
    assert models["an-encoder"]["intervals"]["deep"]["squared_error"] == {"low": 1.9, "high": 2.1}
    assert list(models["an-encoder"]["baselines"]) == ["pca_24", "raw"]
    assert models["a-classifier"]["metrics"] == {"classifier": {"accuracy_linear": 0.9}}


def test_an_entry_of_models_is_judged_under_its_own_name(inputs):
    sparse = {"sparse": Registered(kind="encoder", model="models/k_sparse")}
    registry = PARAMS.registry.model_copy(update={"models": sparse})
    models = registered(replace(PARAMS, registry=registry), inputs)["models"]
    assert models["sparse"]["metrics"] == {"k_sparse": {"squared_error": 4.0}}


def test_gates_are_judged_as_far_as_the_metrics_go(inputs):
    models = registered(PARAMS, inputs)["models"]
    first, second = GATES["an-encoder"]
    because = "2 > 1.75, with 2.25 of pca_24"
    figure = {"entry": "deep", "value": 2.0, "low": 1.9, "high": 2.1}
    assert models["an-encoder"]["gates"] == {
        "conditions": [first, second],
        "verdicts": [{"condition": first, "holds": False, "because": because}],
        "against_champion": [
            {"condition": second, "metric": "deep.squared_error", "figure": figure}
        ],
    }
    assert models["a-classifier"]["gates"]["conditions"] == []


def test_a_file_that_was_written_for_other_gates_is_refused(inputs):
    registered(PARAMS, inputs)
    other = PARAMS.registry.model_copy(update={"gates": {}})
    path = inputs.metrics.with_name("registered.json")
    with pytest.raises(ArtifactError, match="for another `registry` section"):
        read_registered(path, other, Path())


def test_the_input_is_described_by_shape_and_scaling_of_the_dataset(inputs):
    dataset = registered(PARAMS, inputs)["dataset"]
    assert (dataset["shape"], dataset["scale"], dataset["offset"]) == ([1, 8, 8], 0.0625, 0.0)


def test_the_digest_is_that_of_the_networks_alone(inputs):
    def digests() -> dict[str, str]:
        models = registered(PARAMS, inputs)["models"]
        return {name: entry["digest"] for name, entry in models.items()}

    before = digests()
    (inputs.models / "autoencoder" / "history.json").write_text("[]")
    assert digests() == before
    (inputs.models / "classifier" / "control" / "weights.safetensors").write_text("others")
    after = digests()
    assert after["an-encoder"] == before["an-encoder"]
    assert after["a-classifier"] != before["a-classifier"]


def test_alias_and_experiment_are_the_registrys_and_leave_the_bytes_alone(inputs):
    other = PARAMS.registry.model_copy(update={"alias": "champion", "experiment": "other"})
    assert registered(replace(PARAMS, registry=other), inputs) == registered(PARAMS, inputs)


def test_a_model_that_was_not_trained_is_listed_with_the_reason(inputs):
    shutil.rmtree(inputs.models / "classifier")
    write_absence(inputs.models / "classifier", "no training sample has a label")
    content = registered(PARAMS, inputs)
    assert list(content["models"]) == ["an-encoder"]
    assert content["absent"] == {
        "a-classifier": {
            "kind": "classifier", "folder": "models/classifier",
            "reason": "no training sample has a label",
        }
    }  # fmt: skip
    path = inputs.metrics.with_name("registered.json")
    read = read_registered(path, PARAMS.registry, Path())
    assert [model.name for model in read] == ["an-encoder"]


def test_figures_that_the_declaration_promises_must_be_there(inputs):
    measure(inputs.metrics, {"deep": {}})
    with pytest.raises(ContractError, match="no figures of 'classifier', only of deep"):
        registered(PARAMS, inputs)


def test_a_folder_without_a_network_is_refused(inputs):
    for path in (inputs.models / "autoencoder").iterdir():
        path.unlink()
    with pytest.raises(ArtifactError, match="holds no model"):
        registered(PARAMS, inputs)
