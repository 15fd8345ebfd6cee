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
from aepipe.stages import register

MODELS = {
    "an-encoder": Registered(kind="encoder", model="models/autoencoder"),
    "a-classifier": Registered(kind="classifier", model="models/classifier"),
}
PARAMS = register.Params(
    Registry(experiment="experiment", alias="candidate", models=MODELS),
    {"stack": "models/stack", "deep": "models/autoencoder", "classifier": "models/classifier"},
)
METRICS = {
    "stack": {"squared_error": 3.0},
    "deep": {"squared_error": 2.0},
    "classifier": {"accuracy": {"linear": 0.9}},
    "rbm": {"squared_error": 4.0},
}


@pytest.fixture
def inputs(tmp_path, small_digits) -> register.Inputs:
    for folder in ("autoencoder", "classifier/finetuned", "classifier/control", "vae", "rbm"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "model.json").write_text("{}")
        (tmp_path / folder / "weights.safetensors").write_text(folder)
    (tmp_path / "metrics.json").write_text(json.dumps({"representations": METRICS}))
    return register.Inputs(tmp_path, tmp_path / "metrics.json", small_digits.folder)


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
    assert models["a-classifier"]["metrics"] == {"classifier": {"accuracy": {"linear": 0.9}}}


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


def test_an_entry_of_models_is_registered_with_the_figures_of_its_own_name(inputs):
    entry = {"machine": Registered(kind="encoder", model="models/rbm")}
    registry = PARAMS.registry.model_copy(update={"models": entry})
    described = registered(replace(PARAMS, registry=registry), inputs)["models"]["machine"]
    assert described["folder"] == "models/rbm"
    assert described["metrics"] == {"rbm": {"squared_error": 4.0}}


def test_figures_that_the_declaration_promises_must_be_there(inputs):
    inputs.metrics.write_text(json.dumps({"representations": {"deep": {}}}))
    with pytest.raises(ContractError, match="no figures of 'classifier', only of deep"):
        registered(PARAMS, inputs)


def test_a_folder_without_a_network_is_refused(inputs):
    for path in (inputs.models / "autoencoder").iterdir():
        path.unlink()
    with pytest.raises(ArtifactError, match="holds no model"):
        registered(PARAMS, inputs)
