"""Laws of the training loop."""

import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from aepipe.data.parts import write_parts
from aepipe.errors import DivergedError
from aepipe.models.dense import DeepAutoencoder
from aepipe.monitor import Silent
from aepipe.objectives.build.autoencoder import autoencoder_loss
from aepipe.objectives.reconstruction import squared_error
from aepipe.training import feed as feeds
from aepipe.training.feed import Feed, Mapped, Resident, rows_of
from aepipe.training.loop import Schedule, fit
from aepipe.training.state import Randomness

CPU = torch.device("cpu")
PLAIN = np.ones((), np.float32), np.zeros((), np.float32)
SCHEDULE = Schedule(
    epochs=6, learning_rate=0.01, schedule="cosine", weight_decay=0.0, patience=6,
    precision="float32",
)  # fmt: skip


def randomness(seed: int = 0) -> Randomness:
    return Randomness(
        order=torch.Generator().manual_seed(seed),
        noise=torch.Generator().manual_seed(seed + 1),
        validation=lambda: torch.Generator().manual_seed(seed + 2),
    )


@pytest.fixture
def parts(tmp_path):
    rows = np.random.default_rng(0).random((50, 8), dtype=np.float32)
    return write_parts(tmp_path / "parts", [rows])


def feed(parts, batch_size: int = 16) -> Feed:
    rows = rows_of(parts, PLAIN, CPU)
    return Feed(rows, rows, None, torch.arange(len(parts)), batch_size)


def network() -> DeepAutoencoder:
    torch.manual_seed(0)
    return DeepAutoencoder((8,), [4], ["linear"], [], "squared")


def noisy(x, generator, index):
    return x + 0.1 * torch.randn(x.shape, generator=generator)


def train(parts, schedule=SCHEDULE, seed=0):
    model = network()
    loss = autoencoder_loss(model, "squared", noisy, ())
    return model, fit(model, loss, (feed(parts),) * 2, schedule, randomness(seed), Silent())


def weights(model: nn.Module) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def test_the_same_generators_give_the_same_weights_and_history(parts):
    (one, first), (two, second) = train(parts), train(parts)
    assert torch.equal(weights(one), weights(two))
    assert first == second
    other, _ = train(parts, seed=5)
    assert not torch.equal(weights(one), weights(other))


def test_the_loss_falls_and_every_epoch_is_on_record(parts):
    _, history = train(parts)
    assert [row["epoch"] for row in history] == [1, 2, 3, 4, 5, 6]
    assert history[-1]["valid_total"] < history[0]["valid_total"]
    assert history[0]["train_total"] == pytest.approx(history[0]["train_reconstruction"])


def test_the_weights_kept_are_those_of_the_epoch_best_on_validation(parts):
    model = network()

    def loss(batch, noise, epoch):
        error = squared_error(model.decode(model.encode(batch.input)), batch.target)
        climbs = model.training and epoch > 3  # from there on each step makes it worse
        return {"reconstruction": -error if climbs else error}

    schedule = Schedule(6, 0.01, "constant", 0.0, 6, "float32")
    history = fit(model, loss, (feed(parts),) * 2, schedule, randomness(), Silent())
    valid = [row["valid_total"] for row in history]
    assert valid[-1] > valid[2] == min(valid)
    whole = torch.from_numpy(parts.load())
    kept = squared_error(model.decode(model.encode(whole)), whole)
    assert kept.item() == pytest.approx(min(valid), rel=1e-5)


def test_patience_ends_a_training_that_no_longer_improves(parts):
    hopeless = Schedule(50, 1e-12, "constant", 0.0, 3, "float32")
    _, history = train(parts, hopeless)
    assert len(history) < 50


def test_means_weigh_a_smaller_last_batch_by_its_size(parts):
    frozen = Schedule(1, 1e-12, "constant", 0.0, 1, "float32")
    model = network()
    loss = autoencoder_loss(model, "squared", lambda x, generator, index: x, ())
    history = fit(model, loss, (feed(parts, 7), feed(parts, 50)), frozen, randomness(), Silent())
    assert history[0]["train_total"] == pytest.approx(history[0]["valid_total"], rel=1e-5)


def test_a_loss_that_is_not_a_number_ends_training_with_advice(parts):
    model = network()

    def loss(batch, noise, epoch):
        value = model.decode(model.encode(batch.input)).sum()
        return {"reconstruction": value * (math.nan if epoch == 2 else 1.0)}

    with pytest.raises(
        DivergedError, match=r"epoch 2, batch 1: the loss is .*lower training\.learning_rate"
    ):
        fit(model, loss, (feed(parts),) * 2, SCHEDULE, randomness(), Silent())


def test_bfloat16_changes_results_but_little(parts):
    half = Schedule(6, 0.01, "cosine", 0.0, 6, "bfloat16")
    (exact, _), (rough, _) = train(parts), train(parts, half)
    assert not torch.equal(weights(exact), weights(rough))
    torch.testing.assert_close(weights(exact), weights(rough), atol=0.05, rtol=0.1)


def test_rows_read_from_disk_equal_rows_in_memory(tmp_path, monkeypatch):
    stored = np.random.default_rng(0).integers(0, 17, (500, 1, 4, 4), dtype=np.uint8)
    monkeypatch.setattr("aepipe.data.parts.PART_BYTES", 1000)  # several parts
    parts = write_parts(tmp_path / "parts", [stored])
    assert len(parts.arrays) > 3
    scaling = np.float32(1 / 16), np.float32(0.5)
    resident = rows_of(parts, scaling, CPU)
    monkeypatch.setattr(feeds, "RESIDENT_SHARE", 0.0)
    mapped = rows_of(parts, scaling, CPU)
    assert isinstance(resident, Resident)
    assert isinstance(mapped, Mapped)
    indices = torch.randperm(500)
    assert torch.equal(resident.fetch(indices), mapped.fetch(indices))
    expected = stored[indices.numpy()].astype(np.float32) / 16 + 0.5
    np.testing.assert_allclose(mapped.fetch(indices).numpy(), expected, rtol=1e-6)


def test_fetching_leaves_what_is_stored_alone():
    for stored in (torch.rand(9, 3), torch.arange(27, dtype=torch.uint8).view(9, 3)):
        before = stored.clone()
        rows = Resident(stored, torch.tensor([2.0, 1.0, 0.5]), torch.tensor(1.0))
        expected = stored[2:5].float() * torch.tensor([2.0, 1.0, 0.5]) + 1
        assert torch.equal(rows.fetch(torch.arange(2, 5)), expected)
        assert torch.equal(stored, before)
        plain = Resident(stored, torch.tensor(1.0), torch.tensor(0.0))
        assert torch.equal(plain.fetch(torch.arange(9)).mul_(2), 2 * before.float())
        assert torch.equal(stored, before)


def test_every_batch_is_read_ahead_once_in_the_order_of_the_epoch(parts, monkeypatch):
    monkeypatch.setattr(feeds, "RESIDENT_SHARE", 0.0)
    mapped, told = feed(parts, 3), []
    monkeypatch.setattr(Mapped, "expect", lambda self, indices: told.append(indices))
    seen = []
    for batch in mapped.shuffled(torch.Generator().manual_seed(0)):
        seen.append(batch.index)
        ahead = min(len(mapped), len(seen) + feeds.AHEAD)
        assert len(told) == ahead, "what comes next has been asked for before it is needed"
    assert torch.equal(torch.cat(told), torch.cat(seen))


def test_reading_ahead_changes_no_row(tmp_path, monkeypatch):
    stored = np.random.default_rng(0).integers(0, 256, (500, 16), dtype=np.uint8)
    monkeypatch.setattr("aepipe.data.parts.PART_BYTES", 1000)  # several parts
    parts = write_parts(tmp_path / "parts", [stored])
    asked = np.random.default_rng(1).permutation(500)
    parts.expect(asked)
    assert np.array_equal(parts.rows(asked), stored[asked])


def test_a_training_starts_without_torchs_compiler():
    code = """
import sys, torch
from torch import Generator, nn
from aepipe.monitor import Silent
from aepipe.training.feed import Feed, Resident
from aepipe.training.loop import Schedule, fit
from aepipe.training.state import Randomness

rows = Resident(torch.rand(8, 3), torch.tensor(1.0), torch.tensor(0.0))
feed = Feed(rows, rows, None, torch.arange(8), 4)
model = nn.Linear(3, 3)
fit(
    model,
    lambda batch, noise, epoch: {"error": (model(batch.input) - batch.target).square().sum()},
    (feed, feed),
    Schedule(2, 0.01, "constant", 0.0, 2, "float32"),
    Randomness(Generator(), Generator(), Generator),
    Silent(),
)
sys.exit("torch._dynamo" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_sample_is_seen_once_per_epoch_in_another_order_each_time(parts):
    rows = feed(parts)
    order = torch.Generator().manual_seed(0)
    epochs = [torch.cat([batch.target for batch in rows.shuffled(order)]) for _ in range(2)]
    whole = torch.from_numpy(parts.load())
    for epoch in epochs:
        assert torch.equal(epoch.sort(dim=0).values, whole.sort(dim=0).values)
    assert not torch.equal(*epochs)
    assert len(rows) == 4
