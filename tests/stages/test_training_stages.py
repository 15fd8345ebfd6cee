"""The stages that train, on a small dataset: same bytes twice, and what each promises."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from aepipe.data.parts import Parts
from aepipe.models.absent import absence
from aepipe.models.files import load_model
from aepipe.models.stack import load_stack, unroll
from aepipe.monitor import Silent
from aepipe.params.load import validate
from aepipe.params.models import Model
from aepipe.params.stack import Finetune, Layer, Unroll
from aepipe.params.variational import Variational
from aepipe.representation import load_representations
from aepipe.stages import finetune, model, pretrain, vae
from aepipe.stages import unroll as unroll_stage

TRAINING = {
    "epochs": 3, "batch_size": 32, "learning_rate": 0.005, "schedule": "cosine",
    "weight_decay": 0.0, "patience": 3, "precision": "float32",
}  # fmt: skip
MASKING = {"kind": "masking", "fraction": 0.2}


def layer(source: str, units: int, reconstruction: str) -> Layer:
    return validate(
        Layer,
        {
            "kind": "autoencoder", "input": source, "units": units, "activation": "relu",
            "tied": True,
            "reconstruction": reconstruction, "corruption": MASKING,
            "penalties": [{"kind": "l1", "weight": 0.001}], "training": TRAINING,
        },
        "layer",
    )  # fmt: skip


LAYERS = {
    "first": layer("data/dataset", 20, "bernoulli"),
    "second": layer("models/stack/first", 6, "squared"),
}


@pytest.fixture(scope="module")
def stack(small_digits, tmp_path_factory) -> Path:
    """Two trained layers."""
    folder = tmp_path_factory.mktemp("models") / "stack"
    train_layer("first", small_digits.folder, folder)
    train_layer("second", folder / "first", folder)
    return folder


def train_layer(name: str, below: Path, folder: Path) -> None:
    params = pretrain.Params(7, name, LAYERS[name], seeds=1)
    pretrain.run(params, pretrain.Inputs(below), pretrain.Outputs(folder / name), Silent())


def run_model(kind: dict[str, object], dataset: Path, output: Path, **keys: object) -> None:
    config = validate(
        Model,
        {
            "kind": "autoencoder", "architecture": kind, "reconstruction": "squared",
            "corruption": MASKING, "penalties": [], "training": TRAINING, **keys,
        },
        "model",
    )  # fmt: skip
    model.run(
        model.Params(7, "tried", config, seeds=1),
        model.Inputs(dataset),
        model.Outputs(output),
        Silent(),
    )


def run_finetune(dataset: Path, stack: Path, output: Path) -> None:
    config = validate(
        Finetune, {"corruption": MASKING, "dropout": 0.1, "training": TRAINING}, "finetune"
    )
    finetune.run(
        finetune.Params(7, config, seeds=1),
        finetune.Inputs(dataset, stack),
        finetune.Outputs(output),
        Silent(),
    )


RUNS = {
    "unroll": lambda dataset, stack, output: unroll_stage.run(
        unroll_stage.Params(
            7, validate(Unroll, {"corruption": MASKING, "training": TRAINING}, "unroll"), seeds=1
        ),
        unroll_stage.Inputs(dataset, stack),
        unroll_stage.Outputs(output),
        Silent(),
    ),
    "finetune": run_finetune,
    "vae": lambda dataset, stack, output: vae.run(
        vae.Params(
            7,
            validate(
                Variational,
                {
                    "kind": "variational", "widths": [16], "code_size": 3, "activation": "silu",
                    "decoder": {"kind": "gaussian", "variance": "learned"}, "kl_weight": 1.0,
                    "warmup_epochs": 1, "training": TRAINING,
                },
                "vae",
            ),
            seeds=1,
        ),
        vae.Inputs(dataset),
        vae.Outputs(output),
        Silent(),
    ),
    "dense": lambda dataset, stack, output: run_model(
        {"kind": "dense", "widths": [16], "code_size": 4, "activation": "tanh"}, dataset, output
    ),
    "convolutional": lambda dataset, stack, output: run_model(
        {"kind": "convolutional", "channels": [4], "kernel": 3, "stride": 2, "padding": 1,
         "encoder": "strided", "decoder": "resize", "code_size": 4, "activation": "silu"},
        dataset,
        output,
    ),
    "k_sparse": lambda dataset, stack, output: run_model(
        {"kind": "linear", "code_size": 80, "tied": True, "capacity": "overcomplete"},
        dataset,
        output,
        sparsity={
            "kind": "k_sparse", "k": 4, "evaluation_factor": 2.0,
            "schedule": {"start_k": 20, "epochs": 2},
        },
    ),
    "everything_at_once": lambda dataset, stack, output: run_model(
        {"kind": "dense", "widths": [16], "code_size": 4, "activation": "tanh", "tied": True,
         "code_activation": "sigmoid", "dropout": 0.1, "normalisation": "layer"},
        dataset,
        output,
        reconstruction="absolute",
        corruption={"kind": "block", "size": 0.5, "drawn": "fixed"},
        emphasis={"corrupted": 1.0, "intact": 0.5},
        penalties=[
            {"kind": "weight_l1", "weight": 1e-4},
            {"kind": "weight_l2", "weight": 1e-4},
            {"kind": "kl_sparsity", "weight": 0.1, "target": 0.2, "decay": 0.9},
            {"kind": "contractive_hutchinson", "weight": 0.1, "projections": 1},
            {"kind": "contractive_higher_order", "weight": 0.1, "deviation": 0.1, "samples": 1},
        ],
    ),
}  # fmt: skip


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_a_stage_run_twice_gives_the_same_bytes(run, small_digits, stack, tmp_path):
    for name in ("one", "two"):
        torch.manual_seed(hash(name))  # what happened before must not matter
        run(small_digits.folder, stack, tmp_path / name)
    one = contents(tmp_path / "one")
    assert one == contents(tmp_path / "two")
    assert any(name.endswith("weights.safetensors") for name in one)
    assert any(name.endswith("history.json") for name in one)


TRAININGS = {"unroll": 1, "finetune": 2, "vae": 1, "everything_at_once": 1}


@pytest.mark.parametrize("name", TRAININGS)
def test_a_stage_killed_in_every_epoch_gives_the_same_bytes(
    name, small_digits, stack, tmp_path, interrupted
):
    RUNS[name](small_digits.folder, stack, tmp_path / "one")
    kills = interrupted(lambda: RUNS[name](small_digits.folder, stack, tmp_path / "two"))
    assert kills == TRAININGS[name] * TRAINING["epochs"]
    assert contents(tmp_path / "two") == contents(tmp_path / "one")


def test_a_layer_killed_in_every_epoch_is_the_same_bytes(stack, tmp_path, interrupted):
    kills = interrupted(lambda: train_layer("second", stack / "first", tmp_path))
    assert kills == TRAINING["epochs"]
    assert contents(tmp_path / "second") == contents(stack / "second")


def test_a_layer_passes_clean_codes_of_training_and_validation_upward(small_digits, stack):
    first = load_model(stack / "first")
    for split in ("train", "valid"):
        stored = small_digits.features(split).load()
        clean = torch.from_numpy(small_digits.scaled(stored))
        expected = first.encode(clean)
        written = torch.from_numpy(Parts(stack / "first" / "codes" / split).load())
        torch.testing.assert_close(written, expected)
    assert not (stack / "first" / "codes" / "test").exists()


def test_the_finetuned_network_starts_from_the_stack_and_its_control_does_not(
    small_digits, stack, tmp_path, monkeypatch
):
    def untrained(self, model, loss, feeds, config, monitor):
        return []

    monkeypatch.setattr("aepipe.training.build.Workbench.fit", untrained)
    run_finetune(small_digits.folder, stack, tmp_path)
    finetuned, control = (load_model(tmp_path / name) for name in ("finetuned", "control"))
    _, unrolled = unroll(load_stack(stack))
    x = torch.rand(5, 1, 8, 8)
    torch.testing.assert_close(finetuned.encode(x), unrolled.encode(x))
    assert not torch.allclose(control.encode(x), unrolled.encode(x))
    torch.testing.assert_close(finetuned.head.weight, control.head.weight)


def test_history_tells_the_terms_of_each_epoch(stack):
    history = json.loads((stack / "first" / "history.json").read_text())
    assert [row["epoch"] for row in history] == [1, 2, 3]
    for row in history:
        assert row["train_total"] == pytest.approx(row["train_reconstruction"] + row["train_l1"])


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        (-1, "no training sample has a label"),
        (4, "all labelled training samples are of one class"),
    ],
)
def test_finetuning_on_fewer_than_two_classes_says_why_there_is_no_classifier(
    label, reason, small_digits, stack, tmp_path, monkeypatch
):
    monkeypatch.setattr(
        "aepipe.data.dataset.Dataset.labels", lambda self, split: np.full(120, label)
    )
    run_finetune(small_digits.folder, stack, tmp_path / "classifier")
    assert absence(tmp_path / "classifier") == reason
    assert [path.name for path in (tmp_path / "classifier").iterdir()] == ["absent.json"]
    assert load_representations(tmp_path / "classifier") == []
