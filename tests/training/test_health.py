"""Networks that have learned nothing, and numbers that are none."""

import numpy as np
import pytest
import torch
from torch import nn

from aepipe.data.parts import write_parts
from aepipe.errors import ContractError, DivergedError
from aepipe.models.files import Blueprint, construct
from aepipe.monitor import Silent
from aepipe.objectives.build.autoencoder import autoencoder_loss
from aepipe.params.training import Limits
from aepipe.training.checkpoint import write_checkpoint
from aepipe.training.feed import Feed, rows_of
from aepipe.training.health import collapsed_units, inspect
from aepipe.training.loop import Schedule, fit
from aepipe.training.state import Randomness, State

PLAIN = np.ones((), np.float32), np.zeros((), np.float32)
FALLING = [{"epoch": 1, "valid_total": 3.0}, {"epoch": 2, "valid_total": 1.0}]
DEEP = {
    "shape": [8],
    "widths": [4],
    "nonlinearities": ["relu"],
    "decoder_nonlinearities": [],
    "reconstruction": "squared",
}


class Heard:
    """Keeps what is warned of."""

    def __init__(self):
        self.lines = []

    def warn(self, text):
        self.lines.append(text)


@pytest.fixture
def feed(tmp_path):
    rows = np.random.default_rng(0).random((50, 8), dtype=np.float32)
    stored = rows_of(write_parts(tmp_path / "parts", [rows]), PLAIN, torch.device("cpu"))
    return Feed(stored, stored, None, torch.arange(50), 16)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return construct(Blueprint("deep", DEEP))


def randomness() -> Randomness:
    return Randomness(torch.Generator(), torch.Generator(), torch.Generator)


def silence(network, units: int) -> None:
    """Let so many units of the code be 0 for every sample."""
    layer = [each for each in network.encoder.modules() if isinstance(each, nn.Linear)][-1]
    with torch.no_grad():
        layer.weight[:units] = 0.0
        layer.bias[:units] = -1.0


@pytest.mark.parametrize("units", [0, 1, 3, 4])
def test_units_that_never_change_are_counted(feed, network, units):
    with torch.no_grad():
        for each in network.encoder.modules():
            if isinstance(each, nn.Linear):
                each.bias.fill_(2.0)  # all others are on
    silence(network, units)
    assert collapsed_units(network, feed) == (units, 4)


def test_a_posterior_that_is_the_prior_has_collapsed(feed):
    trunk = {"convolutions": None, "widths": [6], "nonlinearity": "silu"}
    plan = {"shape": [8], "trunk": trunk, "code_size": 3, "latent": "gaussian",
            "likelihood": {"kind": "bernoulli"}}  # fmt: skip
    model = construct(Blueprint("variational", plan))
    last = [each for each in model.head.modules() if isinstance(each, nn.Linear)][-1]
    with torch.no_grad():
        last.weight *= 1e-3  # moves, but by less than 0.01
    assert collapsed_units(model, feed) == (3, 3)


def test_half_a_dead_code_is_warned_of_and_fails_where_that_is_declared(feed, network):
    silence(network, 4)
    heard = Heard()
    inspect(network, feed, FALLING, None, heard)
    assert heard.lines[0].startswith("collapsed: 4 of 4 units of the code say nothing")
    inspect(network, feed, FALLING, Limits(collapsed=1.0), heard)
    with pytest.raises(ContractError, match=r"4 of 4 .*training\.limits\.collapsed"):
        inspect(network, feed, FALLING, Limits(collapsed=0.9), heard)


def test_a_loss_that_ends_above_its_start_is_warned_of_and_fails_where_that_is_declared(
    feed, network
):
    rising, heard = FALLING[::-1], Heard()
    inspect(network, feed, rising, None, heard)
    assert heard.lines[0].startswith("diverging: the validation loss ended at 3, after 1 in")
    inspect(network, feed, rising, Limits(rise=2.0), heard)
    with pytest.raises(ContractError, match=r"training\.limits\.rise"):
        inspect(network, feed, rising, Limits(rise=1.9), heard)


def train(network, feed, rate, loss=None):
    loss = loss or autoencoder_loss(network, "squared", lambda x, generator, index: x, ())
    schedule = Schedule(3, rate, "constant", 0.0, 3, "float32")
    return fit(network, loss, (feed, feed), schedule, randomness(), Silent())


def test_an_infinite_loss_is_told_with_epoch_and_batch(feed, network):
    calls = []

    def loss(batch, noise, epoch):
        calls.append(epoch)
        value = network.decode(network.encode(batch.input)).square().sum()
        return {"reconstruction": value / (0.0 if len(calls) == 7 else 1.0)}

    # of 4 batches in training and 4 in validation the seventh is never trained on; the tenth is
    def later(batch, noise, epoch):
        terms = loss(batch, noise, epoch)
        return {name: value / (0.0 if len(calls) == 10 else 1.0) for name, value in terms.items()}

    with pytest.raises(
        DivergedError, match=r"^epoch 1: the loss is .*lower training.learning_rate"
    ):
        train(network, feed, 1e-3, loss)
    calls[:] = range(7)
    with pytest.raises(
        DivergedError, match=r"^epoch 1, batch 3: the loss is .*inf.*0\.001 in this"
    ):
        train(network, feed, 1e-3, later)


def test_a_gradient_without_end_is_told_by_the_weights_that_it_left(feed, network):
    state = State(network, lambda *_: {}, torch.optim.SGD(network.parameters(), 0.1), randomness())
    state.tally.add({"reconstruction": torch.tensor(1.0)}, 4)
    with torch.no_grad():
        next(network.parameters())[0, 0] = float("nan")
    with pytest.raises(
        DivergedError, match=r"epoch 1, batch 1: the loss is finite, .* left encoder"
    ):
        write_checkpoint("/nowhere", state)


def test_the_last_good_checkpoint_stays(feed, network, tmp_path):
    """Of a training whose loss goes wrong nothing is written over it."""
    state = State(network, lambda *_: {}, torch.optim.SGD(network.parameters(), 0.1), randomness())
    write_checkpoint(tmp_path / "good", state)
    before = (tmp_path / "good").read_bytes()
    state.tally.add({"reconstruction": torch.tensor(float("nan"))}, 4)
    with pytest.raises(DivergedError, match="batch 1"):
        write_checkpoint(tmp_path / "good", state)
    assert (tmp_path / "good").read_bytes() == before
