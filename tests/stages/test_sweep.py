"""Sweeps: each member is the network that it would be alone, and the best of them is chosen."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from aepipe.data.dataset import FITTED, UNLABELLED, Dataset
from aepipe.errors import DivergedError
from aepipe.experiments.files import merged
from aepipe.models.build import model_blueprint
from aepipe.models.files import construct, load_model
from aepipe.monitor import Silent
from aepipe.objectives.build import model_loss
from aepipe.params.load import read_yaml, validate
from aepipe.params.models import Autoencoder, corruption_of
from aepipe.params.root import Params
from aepipe.params.sweep import Sweep
from aepipe.stages import model as model_stage
from aepipe.stages import sweep
from aepipe.sweeps import build
from aepipe.sweeps.build import Candidate, train_all
from aepipe.training.build import Workbench

ROOT = Path(__file__).parents[2]

# Here all figures are equal to the last bit; other processors may add up in another order.
CLOSE = {"rtol": 1e-5, "atol": 1e-6}

TRAINING = {
    "epochs": 3,
    "batch_size": 32,
    "learning_rate": 0.004,
    "schedule": "cosine",
    "weight_decay": 0.0,
    "patience": 3,
    "precision": "float32",
}
SIGMOID = {
    "kind": "dense",
    "widths": [],
    "code_size": 12,
    "activation": "relu",
    "code_activation": "sigmoid",
}
DEEP = {"kind": "dense", "widths": [20], "code_size": 6, "activation": "tanh"}
CONVOLUTIONAL = {
    "kind": "convolutional",
    "channels": [3],
    "kernel": 3,
    "stride": 2,
    "padding": 1,
    "encoder": "strided",
    "decoder": "resize",
    "code_size": 5,
    "activation": "silu",
}
NONE, MASKING = {"kind": "none"}, {"kind": "masking", "fraction": 0.25}


def autoencoder(architecture=SIGMOID, training=None, **given) -> Autoencoder:
    whole = {"corruption": MASKING, "penalties": [], "reconstruction": "bernoulli", **given}
    training = TRAINING | (training or {})
    declared = {"kind": "autoencoder", "architecture": architecture, "training": training}
    return validate(Autoencoder, declared | whole, "a model")


def of_weights(kind, *weights, **more):
    return [autoencoder(penalties=[{"kind": kind, "weight": w, **more}]) for w in weights]


PAIRS = {
    "masking at two levels": [autoencoder(), autoencoder(corruption=MASKING | {"fraction": 0.5})],
    "noise of other kinds": [
        autoencoder(corruption={"kind": "gaussian", "standard_deviation": 0.2}),
        autoencoder(corruption={"kind": "salt_and_pepper", "fraction": 0.1, "drawn": "fixed"}),
        autoencoder(corruption=NONE),
    ],
    "rates, decay and schedules": [
        autoencoder(training={"learning_rate": 0.001, "weight_decay": 0.1}),
        autoencoder(training={"schedule": "constant", "epochs": 2}),
    ],
    "emphasis of one": [autoencoder(emphasis={"corrupted": 1.0, "intact": 0.3}), autoencoder()],
    "tied, contractive": [
        autoencoder(SIGMOID | {"tied": True}, penalties=[{"kind": "contractive", "weight": weight}])
        for weight in (0.1, 1.0)
    ],
    "l1": of_weights("l1", 0.01, 0.1),
    "weight_l1": of_weights("weight_l1", 0.001, 0.01),
    "weight_l2": of_weights("weight_l2", 0.001, 0.01),
    "kl_sparsity": of_weights("kl_sparsity", 0.1, 1.0, target=0.1),
    "kl_sparsity, running": of_weights("kl_sparsity", 0.1, 1.0, target=0.1, decay=0.9),
    "deep, layer normalisation, squared": [
        autoencoder(DEEP | {"normalisation": "layer"}, reconstruction="squared"),
        autoencoder(DEEP | {"normalisation": "layer"}, reconstruction="squared", corruption=NONE),
    ],
    "tied, deep, absolute": [
        autoencoder(DEEP | {"tied": True}, reconstruction="absolute"),
        autoencoder(DEEP | {"tied": True}, reconstruction="absolute", corruption=NONE),
    ],
    "k": [
        autoencoder(
            sparsity={"kind": "k_sparse", "k": k, "evaluation_factor": 1.5, "schedule": falling}
        )
        for k, falling in ((3, {"start_k": 8, "epochs": 2}), (5, None))
    ],
    "convolutional": [autoencoder(CONVOLUTIONAL), autoencoder(CONVOLUTIONAL, corruption=NONE)],
    "bfloat16": [
        autoencoder(training={"precision": "bfloat16", "learning_rate": rate})
        for rate in (0.001, 0.01)
    ],
    "of other shapes": [autoencoder(), autoencoder(DEEP), autoencoder(training={"batch_size": 50})],
}


def candidates(models) -> list[Candidate]:
    return [Candidate(model, seed, "model@x") for seed, model in enumerate(models)]


def alone(candidate: Candidate, dataset):
    """The same model trained by the ordinary trainer, as stage `model` does it."""
    bench, config = Workbench(candidate.seed, candidate.title), candidate.model
    network = bench.place(construct(model_blueprint(config, dataset.shape)))
    loss = model_loss(config, network, dataset.value_range)
    size = config.training.batch_size
    train, valid = (bench.feed(dataset, split, corruption_of(config), size) for split in FITTED)
    history = bench.fit(network, loss, (train, valid), config.training, Silent())
    return history, network.state_dict()


def assert_same(trained, history, weights, close=CLOSE) -> None:
    assert [row.keys() for row in trained.history] == [row.keys() for row in history]
    figures = [torch.tensor([[*row.values()] for row in h]) for h in (trained.history, history)]
    torch.testing.assert_close(*figures, **close)
    assert trained.weights.keys() == weights.keys()
    for name, value in trained.weights.items():
        torch.testing.assert_close(value, weights[name], **close)


@pytest.mark.parametrize("models", PAIRS.values(), ids=PAIRS)
def test_member_is_the_network_that_it_would_be_alone(models, small_digits):
    wanted = candidates(models)
    for candidate, trained in zip(wanted, train_all(wanted, small_digits, Silent()), strict=True):
        assert_same(trained, *alone(candidate, small_digits))


def test_member_that_stops_or_diverges_leaves_the_others_as_they_were(small_digits):
    steady = autoencoder(training={"epochs": 8, "patience": 8, "learning_rate": 0.001})
    rates = {"schedule": "constant", "epochs": 8, "patience": 1}
    stopping = autoencoder(training={**rates, "learning_rate": 1.0})
    diverging = autoencoder(
        reconstruction="squared", training={**rates, "learning_rate": 1e30, "patience": 8}
    )
    wanted = candidates([steady, stopping, diverging])

    first, second, third = train_all(wanted, small_digits, Silent())

    assert (len(first.history), first.diverged) == (8, False)
    assert len(second.history) < 8
    assert third.diverged
    assert_same(first, *alone(wanted[0], small_digits))
    assert_same(second, *alone(wanted[1], small_digits))
    with pytest.raises(DivergedError):
        alone(wanted[2], small_digits)


def test_groups_that_fit_in_memory_give_what_one_group_gives(small_digits, monkeypatch):
    wanted = candidates([*PAIRS["masking at two levels"], *PAIRS["rates, decay and schedules"]])
    together = train_all(wanted, small_digits, Silent())
    trained_at_once = []
    fit_group = build.fit_group

    def counted(members, *others):
        trained_at_once.append(len(members))
        return fit_group(members, *others)

    monkeypatch.setattr(build, "fit_group", counted)
    monkeypatch.setattr(build, "GROUP_BYTES", 400_000)
    apart = train_all(wanted, small_digits, Silent())

    assert trained_at_once == [2, 2]
    for one, other in zip(together, apart, strict=True):
        assert_same(one, other.history, other.weights)


SWEEP = {
    "model": autoencoder(training={"epochs": 4}).model_dump(mode="json", exclude_none=True),
    "search": {
        "kind": "grid",
        "values": {"corruption.fraction": [0.0, 0.3], "training.learning_rate": [0.001, 0.01]},
    },
    "seeds": [3, 4],
    "choose": {"by": "classification", "probe": {"inverse_penalties": [1.0]}, "rows": 100},
}


def params(**changes) -> sweep.Params:
    return sweep.Params(3, "noise", validate(Sweep, SWEEP | changes, "a sweep"))


def swept(folder, dataset, declared):
    sweep.run(declared, sweep.Inputs(dataset.folder), sweep.Outputs(folder), Silent())
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_interrupted_sweep_ends_with_the_same_bytes(small_digits, tmp_path, interrupted):
    declared = params(
        model=SWEEP["model"]
        | {"penalties": PAIRS["kl_sparsity, running"][0].model_dump()["penalties"]}
    )
    undisturbed = swept(tmp_path / "once", small_digits, declared)

    tries = interrupted(lambda: swept(tmp_path / "again", small_digits, declared))

    assert tries >= 4
    again = {path.name: path.read_bytes() for path in sorted((tmp_path / "again").iterdir())}
    assert again == undisturbed


def test_winner_is_params_that_train_the_network_that_won(small_digits, tmp_path):
    written = swept(tmp_path / "swept", small_digits, params())
    members = pd.read_parquet(tmp_path / "swept" / "members.parquet")
    curves = pd.read_parquet(tmp_path / "swept" / "curves.parquet")

    means = members.groupby("setting")[["classification", "reconstruction"]].mean()
    best = means.sort_values(["classification", "reconstruction"]).index[0]
    won = members[members["winner"]]
    assert set(won["setting"]) == {best}
    assert list(won["seed"]) == [3, 4]
    assert set(curves["member"]) == set(members["member"])

    overlay = read_yaml(tmp_path / "swept" / "winner.yaml")
    whole = validate(Params, merged(read_yaml(ROOT / "params.yaml"), overlay), "the whole")
    chosen = whole.models["noise"]
    values = json.loads(won["values"].iloc[0])
    assert chosen.corruption.fraction == values["corruption.fraction"]
    assert chosen.training.learning_rate == values["training.learning_rate"]
    model_stage.run(
        model_stage.Params(3, "noise", chosen, 1),
        model_stage.Inputs(small_digits.folder),
        model_stage.Outputs(tmp_path / "alone"),
        Silent(),
    )
    assert (tmp_path / "alone" / "model.json").read_bytes() == written["model.json"]
    torch.testing.assert_close(
        load_model(tmp_path / "swept").state_dict(),
        load_model(tmp_path / "alone").state_dict(),
        **CLOSE,
    )


def test_without_labels_reconstruction_decides(small_digits, tmp_path, monkeypatch):
    def labels(self, split):
        return np.full(self.counts[split], UNLABELLED)

    monkeypatch.setattr(Dataset, "labels", labels)
    swept(tmp_path / "swept", small_digits, params())
    members = pd.read_parquet(tmp_path / "swept" / "members.parquet")
    means = members.groupby("setting")["reconstruction"].mean()
    assert set(members.loc[members["winner"], "setting"]) == {means.idxmin()}
    assert members["classification"].isna().all()
