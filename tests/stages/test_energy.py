"""RBMs through the stages: as an entry of `models:`, as layers of the stack, and judged."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from aepipe.evaluation.partition import enumerated
from aepipe.models.files import load_model
from aepipe.models.stack import load_stack, unroll
from aepipe.monitor import Silent
from aepipe.params.corruption import CorruptionSection
from aepipe.params.energy import Rbm, RbmLayer
from aepipe.params.evaluation import Probes
from aepipe.params.judgements import Further, Partition
from aepipe.params.load import validate
from aepipe.params.stack import Finetune, Unroll
from aepipe.reporting.exhibits import first_layer
from aepipe.reporting.metrics import scalars
from aepipe.stages import corrupt, evaluate, finetune, model, pretrain
from aepipe.stages import unroll as unroll_stage

TRAINING = {
    "epochs": 3, "batch_size": 32, "learning_rate": 0.01, "schedule": "cosine",
    "weight_decay": 0.0, "patience": 3, "precision": "float32",
}  # fmt: skip
BITS = {"kind": "bernoulli", "values": "drawn"}
MEANS = {"kind": "bernoulli", "values": "means"}
CD = {"kind": "contrastive_divergence", "steps": 1}
PCD = {"kind": "persistent", "steps": 2, "chains": 16}
PROBES = {
    "linear": {"inverse_penalties": [1.0]},
    "nearest_neighbours": {"neighbours": [1]},
    "support_vectors": {"inverse_penalties": [1.0], "gammas": [1.0]},
    "random_forest": {"trees": 5, "leaf_sizes": [1]},
    "gradient_boosting": {"rounds": 3, "learning_rates": [0.1]},
    "rows": 60,
}


def train_layer(folder, name, below, declared) -> None:
    section = {"kind": "rbm", "gradient": CD, "training": TRAINING, **declared}
    params = pretrain.Params(7, name, validate(RbmLayer, section, "layer"), seeds=1)
    pretrain.run(params, pretrain.Inputs(below), pretrain.Outputs(folder / name), Silent())


@pytest.fixture(scope="module")
def stack(small_digits, tmp_path_factory) -> Path:
    """A deep belief network of two layers with a linear code."""
    folder = tmp_path_factory.mktemp("models") / "stack"
    first = {"input": "data/dataset", "units": 20, "visible": MEANS, "hidden": "bernoulli"}
    train_layer(folder, "first", small_digits.folder, first)
    second = {"input": "models/stack/first", "units": 6, "visible": MEANS, "hidden": "gaussian"}
    train_layer(folder, "second", folder / "first", second)
    return folder


def train_model(dataset: Path, output: Path, **declared) -> None:
    section = {
        "kind": "rbm", "code_size": 12, "visible": BITS, "hidden": "bernoulli", "gradient": CD,
        "training": TRAINING, **declared,
    }  # fmt: skip
    config = validate(Rbm, section, "model")
    model.run(
        model.Params(7, "rbm", config, seeds=1),
        model.Inputs(dataset),
        model.Outputs(output),
        Silent(),
    )


def history(folder: Path) -> list[dict[str, float]]:
    return json.loads((folder / "history.json").read_text())


@pytest.mark.parametrize("gradient", [CD, PCD], ids=["cd", "pcd"])
def test_a_machine_trained_twice_is_the_same_bytes(gradient, small_digits, tmp_path):
    for name in ("one", "two"):
        torch.manual_seed(hash(name))  # what happened before must not matter
        train_model(small_digits.folder, tmp_path / name, gradient=gradient)
    for name in ("model.json", "weights.safetensors", "history.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_persistent_chains_go_on_where_a_kill_stopped_them(small_digits, tmp_path, interrupted):
    def run(name):
        train_model(small_digits.folder, tmp_path / name, gradient=PCD)

    run("one")
    assert interrupted(lambda: run("two")) == TRAINING["epochs"]
    for name in ("model.json", "weights.safetensors", "history.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_learning_makes_samples_that_were_not_seen_more_probable(small_digits, tmp_path):
    slow = {**TRAINING, "epochs": 50, "patience": 50, "batch_size": 8}
    train_model(small_digits.folder, tmp_path, training=slow)
    told = history(tmp_path)
    assert told[-1]["valid_pseudo_likelihood"] < told[0]["valid_pseudo_likelihood"]
    machine = load_model(tmp_path)
    pixels = torch.from_numpy(small_digits.scaled(small_digits.features("valid").load()))
    seen = machine.units(pixels, torch.Generator().manual_seed(0))
    means = small_digits.scaled(small_digits.features("train").load()).mean(axis=0).flatten()
    independent = torch.distributions.Bernoulli(torch.from_numpy(means).clamp(1e-3, 1 - 1e-3))
    alone = independent.log_prob(seen).sum(dim=1).mean().item()
    together = -machine.free_energy(seen).mean().item() - enumerated(machine).value
    assert together > alone + 0.5


def test_training_starts_from_the_means_of_the_data(small_digits, tmp_path, monkeypatch):
    monkeypatch.setattr("aepipe.training.build.Workbench.fit", lambda *rest: [])
    train_model(small_digits.folder, tmp_path)
    machine = load_model(tmp_path)
    means = small_digits.scaled(small_digits.features("train").load()).mean(axis=0)
    found = machine.mean(machine.decode(torch.zeros(1, 12)))[0]
    torch.testing.assert_close(found, torch.from_numpy(means), atol=1.1e-3, rtol=0)


def test_a_deep_belief_network_passes_means_upward_unrolls_and_is_fine_tuned(
    small_digits, stack, tmp_path
):
    _, unrolled = unroll(load_stack(stack))
    clean = torch.from_numpy(small_digits.scaled(small_digits.features("train").load()))
    assert unrolled.encode(clean).shape == (120, 6)
    plan = validate(Unroll, {"corruption": {"kind": "none"}, "training": TRAINING}, "unroll")
    unroll_stage.run(
        unroll_stage.Params(7, plan, seeds=1),
        unroll_stage.Inputs(small_digits.folder, stack),
        unroll_stage.Outputs(tmp_path / "autoencoder"),
        Silent(),
    )
    told = history(tmp_path / "autoencoder")
    assert told[-1]["valid_total"] < told[0]["valid_total"]
    plan = {"corruption": {"kind": "none"}, "dropout": 0.0, "training": TRAINING}
    finetune.run(
        finetune.Params(7, validate(Finetune, plan, "finetune"), seeds=1),
        finetune.Inputs(small_digits.folder, stack),
        finetune.Outputs(tmp_path / "classifier"),
        Silent(),
    )
    finetuned = load_model(tmp_path / "classifier" / "finetuned")
    assert finetuned(clean).shape == (120, 10)


def judged(small_digits, folder: Path, partition: Partition | None, name: str = "one") -> dict:
    nothing = CorruptionSection.model_validate({"conditions": []})
    corrupted = folder / "corrupted"
    if not corrupted.exists():
        corrupt.run(
            corrupt.Params(0, nothing),
            corrupt.Inputs(small_digits.folder),
            corrupt.Outputs(corrupted),
            Silent(),
        )
    probes = Probes.model_validate(PROBES)
    evaluate.run(
        evaluate.Params(0, 1, "rbm", probes, 0.95, 50, 4, 16, Further(partition=partition)),
        evaluate.Inputs(small_digits.folder, corrupted, folder / "rbm"),
        evaluate.Outputs(folder / f"{name}.json", folder / name),
        Silent(),
    )
    return json.loads((folder / f"{name}.json").read_text())["rbm"]


def test_the_evaluation_tells_how_probable_the_test_split_is(small_digits, tmp_path):
    train_model(small_digits.folder, tmp_path / "rbm")
    found = judged(small_digits, tmp_path, Partition(chains=20, temperatures=50))["energy"]
    machine = load_model(tmp_path / "rbm")
    exact = enumerated(machine).value
    assert found["log_partition"] == {"value": exact, "low": exact, "high": exact}
    pixels = torch.from_numpy(small_digits.scaled(small_digits.features("test").load()))
    draws = [machine.units(pixels, torch.Generator().manual_seed(seed)) for seed in range(50)]
    each = [(-machine.free_energy(bits)).mean().item() - exact for bits in draws]
    spread = 4 * np.std(each)
    assert abs(found["log_likelihood"]["value"] - np.mean(each)) < spread
    assert found["log_pseudo_likelihood"]["value"] > found["log_likelihood"]["value"]


def test_a_machine_too_large_to_enumerate_is_annealed_alike_each_time(small_digits, tmp_path):
    train_model(small_digits.folder, tmp_path / "rbm", code_size=24)
    config = Partition(chains=20, temperatures=50)
    one, two = (judged(small_digits, tmp_path, config, n)["energy"] for n in ("one", "two"))
    assert one == two
    partition, likelihood = one["log_partition"], one["log_likelihood"]
    assert partition["low"] < partition["value"] < partition["high"]
    width = partition["high"] - partition["low"]
    assert likelihood["high"] - likelihood["low"] == pytest.approx(width)
    assert all(math.isfinite(value) for value in partition.values())


def test_the_comparison_takes_the_likelihoods_up(small_digits, tmp_path):
    train_model(small_digits.folder, tmp_path / "rbm")
    found = judged(small_digits, tmp_path, Partition(chains=2, temperatures=2))
    values, intervals = scalars(found)
    for name in ("log_partition", "log_likelihood", "log_pseudo_likelihood"):
        assert values[name] == found["energy"][name]["value"]
        assert intervals[name]["low"] <= values[name] <= intervals[name]["high"]


def test_the_report_shows_the_filters_of_a_machine(small_digits, tmp_path):
    train_model(small_digits.folder, tmp_path)
    shown = first_layer(small_digits, tmp_path, "the RBM tried")
    assert "12 filters of the RBM tried" in str(shown)


def test_without_the_section_there_are_no_likelihoods(small_digits, tmp_path):
    train_model(small_digits.folder, tmp_path / "rbm")
    assert "energy" not in judged(small_digits, tmp_path, None)


def test_gaussian_visible_units_have_a_density_but_no_pseudo_likelihood(small_digits, tmp_path):
    visible = {"kind": "gaussian", "variance": 0.1}
    train_model(small_digits.folder, tmp_path / "rbm", visible=visible)
    found = judged(small_digits, tmp_path, Partition(chains=20, temperatures=50))["energy"]
    assert found["log_pseudo_likelihood"] is None
    assert math.isfinite(found["log_likelihood"]["value"])
