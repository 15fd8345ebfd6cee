"""A training that is interrupted anywhere ends as one that never was."""

import dataclasses
import json
from contextlib import contextmanager, suppress

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from aepipe.data.parts import write_parts
from aepipe.interruption import Interrupted
from aepipe.models.rbm import RestrictedBoltzmannMachine
from aepipe.monitor import Silent
from aepipe.objectives.build.autoencoder import autoencoder_loss
from aepipe.objectives.contrastive import PersistentContrastiveDivergence
from aepipe.objectives.reconstruction import squared_error
from aepipe.params.penalties import KLSparsity
from aepipe.training import checkpoint
from aepipe.training.feed import Feed, rows_of
from aepipe.training.loop import Schedule, fit
from aepipe.training.state import Randomness

CPU = torch.device("cpu")
PLAIN = np.ones((), np.float32), np.zeros((), np.float32)
SCHEDULE = Schedule(3, 0.01, "cosine", 0.01, 3, "float32")


class Sparse(nn.Module):
    """An autoencoder that draws from torch's own generator and has a running estimate inside."""

    code_size = 5

    def __init__(self):
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(8, 5), nn.BatchNorm1d(5), nn.Sigmoid(), nn.Dropout())
        self.decode = nn.Linear(5, 8)


def sparse():
    model = Sparse()
    penalty = KLSparsity(kind="kl_sparsity", weight=0.1, target=0.2, decay=0.9)
    return model, autoencoder_loss(model, "squared", noisy, (penalty,))


def machine():
    model = RestrictedBoltzmannMachine((8,), 5, "bernoulli", "bernoulli", 1.0, "drawn")
    return model, PersistentContrastiveDivergence(model, steps=1, chains=7)


def noisy(x, generator, index):
    return x + 0.1 * torch.randn(x.shape, generator=generator)


@pytest.fixture
def feeds(tmp_path):
    rows = np.random.default_rng(0).random((50, 8), dtype=np.float32)
    read = rows_of(write_parts(tmp_path / "parts", [rows]), PLAIN, CPU)
    return (Feed(read, read, None, torch.arange(50), 16),) * 2


class Stopping:
    """A monitor whose checkpoints lie in one file, and that ends the training at one offer."""

    def __init__(self, path, stop):
        self.path, self.stop, self.offers, self.told, self.said = path, stop, 0, [], []

    def progress(self, items, what, total=None):
        yield from items

    def record(self, step, figures):
        self.told.append((step, dict(figures)))

    def remark(self, text):
        self.said.append(text)

    warn = remark

    @contextmanager
    def checkpoints(self, network):
        yield self

    def found(self):
        return iter([self.path] if self.path.exists() else [])

    def offer(self, write):
        self.offers += 1
        if self.offers == self.stop:
            write(self.path)
            raise Interrupted(15)


def train(built, feeds, monitor):
    torch.manual_seed(0)
    model, loss = built()
    randomness = Randomness(
        order=torch.Generator().manual_seed(1),
        noise=torch.Generator().manual_seed(2),
        validation=lambda: torch.Generator().manual_seed(3),
    )
    history = fit(model, loss, feeds, SCHEDULE, randomness, monitor)
    return {name: value.clone() for name, value in model.state_dict().items()}, history


def same(one, two):
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize("built", [sparse, machine])
def test_interrupted_at_any_step_of_training_or_validation_it_ends_the_same(built, feeds, tmp_path):
    undisturbed = Stopping(tmp_path / "none", stop=None)
    weights, history = train(built, feeds, undisturbed)
    assert undisturbed.offers == SCHEDULE.epochs * 2 * len(feeds[0])
    for stop in range(1, undisturbed.offers + 1):
        path = tmp_path / f"{stop}"
        first, second = Stopping(path, stop), Stopping(path, None)
        with pytest.raises(Interrupted):
            train(built, feeds, first)
        torch.manual_seed(99)  # what happened before must not matter
        again, told = train(built, feeds, second)
        assert same(again, weights), f"interrupted at offer {stop}"
        assert told == history
        assert second.told == undisturbed.told, "every epoch is told, to whoever missed some"
        epoch = (stop - 1) // (2 * len(feeds[0])) + 1
        assert f"goes on from a checkpoint, in epoch {epoch} after" in second.said[0]


def try_until_through(feeds, path):
    for kills in range(100):  # each try comes through validation and a step further
        with suppress(Interrupted):
            return kills, train(sparse, feeds, Stopping(path, len(feeds[1]) + 1))
    raise AssertionError("it never comes to an end")


def test_interrupted_again_and_again_it_still_ends_the_same(feeds, tmp_path):
    weights, history = train(sparse, feeds, Silent())
    kills, (again, told) = try_until_through(feeds, tmp_path / "one")
    assert kills > SCHEDULE.epochs
    assert same(again, weights)
    assert told == history


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.write_bytes(b"no safetensors"), "no checkpoint"),
        (lambda path: save_file({"a": torch.zeros(1)}, path), "no checkpoint of a training"),
        (lambda path: rewrite(path, format=0), "a checkpoint of format 0, and this is 1"),
        (lambda path: rewrite(path, device="cuda"), "a checkpoint of device cuda, and this is cpu"),
        (lambda path: rewrite(path, torch="1.0"), "a checkpoint of torch 1.0, and this is 2"),
    ],
)
def test_what_is_no_checkpoint_of_such_a_training_is_named_and_not_used(
    damage, said, feeds, tmp_path
):
    weights, history = train(sparse, feeds, Silent())
    with pytest.raises(Interrupted):
        train(sparse, feeds, Stopping(tmp_path / "one", stop=5))
    damage(tmp_path / "one")
    monitor = Stopping(tmp_path / "one", stop=None)
    again, told = train(sparse, feeds, monitor)
    assert said in monitor.said[0]
    assert monitor.said[0].endswith("; it is not used")
    assert same(again, weights)
    assert told == history


def rewrite(path, **changed):
    with safe_open(path, framework="pt") as file:
        described = json.loads(file.metadata()[checkpoint.ENTRY])
    save_file(load_file(path), path, {checkpoint.ENTRY: json.dumps({**described, **changed})})


def test_a_checkpoint_of_another_network_leaves_the_state_as_it_was(feeds, tmp_path):
    with pytest.raises(Interrupted):
        train(machine, feeds, Stopping(tmp_path / "one", stop=5))
    weights, _ = train(sparse, feeds, Silent())
    monitor = Stopping(tmp_path / "one", stop=None)
    again, _ = train(sparse, feeds, monitor)
    assert "a checkpoint of another model" in monitor.said[0]
    assert same(again, weights)


def test_early_stopping_counts_the_epochs_before_the_interruption(feeds, tmp_path, monkeypatch):
    hopeless = dataclasses.replace(SCHEDULE, epochs=50, learning_rate=1e-12, patience=3)
    monkeypatch.setitem(globals(), "SCHEDULE", hopeless)

    def steady():
        model = Sparse().eval()
        model.train = lambda mode=True: model

        def loss(batch, noise, epoch):
            return {"error": squared_error(model.decode(model.encode(batch.input)), batch.target)}

        return model, loss

    _, history = train(steady, feeds, Silent())
    with pytest.raises(Interrupted):
        train(steady, feeds, Stopping(tmp_path / "one", stop=17))  # in the third epoch
    _, told = train(steady, feeds, Stopping(tmp_path / "one", stop=None))
    assert told == history
    assert len(history) < 50
