"""Laws of the loss of deterministic autoencoders, from their sections."""

import pytest
import torch
from torch.nn.functional import mse_loss

from aepipe.corruption.noise import mask
from aepipe.models.build import model_blueprint
from aepipe.models.files import construct
from aepipe.objectives.build import model_loss
from aepipe.objectives.loss import Batch
from aepipe.params.load import validate
from aepipe.params.models import Autoencoder

X = torch.rand(16, 1, 6, 6, generator=torch.Generator().manual_seed(0)) * 0.9 + 0.05
BATCH = Batch(X, X, torch.empty(0), torch.arange(16))
LAYER = {"kind": "dense", "widths": [], "code_size": 5, "activation": "relu",
         "code_activation": "sigmoid", "tied": True}  # fmt: skip
SPARSE = {"kind": "k_sparse", "k": 2, "evaluation_k": 4, "schedule": {"start_k": 5, "epochs": 3}}


def declared(**keys) -> Autoencoder:
    training = {
        "epochs": 3, "batch_size": 16, "learning_rate": 0.01, "schedule": "constant",
        "weight_decay": 0.0, "patience": 3, "precision": "float32",
    }  # fmt: skip
    section = {
        "kind": "autoencoder", "architecture": LAYER, "reconstruction": "squared",
        "corruption": {"kind": "none"}, "penalties": [], "training": training,
    }  # fmt: skip
    return validate(Autoencoder, section | keys, "model")


def built(config: Autoencoder):
    torch.manual_seed(0)
    network = construct(model_blueprint(config, (1, 6, 6)))
    return network, model_loss(config, network, (0.0, 1.0))


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


PENALTIES = {
    "l1": {},
    "weight_l1": {},
    "weight_l2": {},
    "kl_sparsity": {"target": 0.1},
    "contractive": {},
    "contractive_hutchinson": {"projections": 2},
    "contractive_higher_order": {"deviation": 0.1, "samples": 2},
}


@pytest.mark.parametrize("kind", PENALTIES)
def test_each_penalty_is_a_term_of_its_own_that_grows_with_its_weight(kind):
    terms = {}
    for weight in (0.5, 1.0):
        penalty = {"kind": kind, "weight": weight, **PENALTIES[kind]}
        _, loss = built(declared(penalties=[penalty]))
        terms[weight] = loss(BATCH, generator(), 1)
    assert set(terms[1.0]) == {"reconstruction", kind}
    assert terms[1.0][kind] > 0
    torch.testing.assert_close(terms[1.0][kind], 2 * terms[0.5][kind])
    torch.testing.assert_close(terms[1.0]["reconstruction"], terms[0.5]["reconstruction"])


@pytest.mark.parametrize("kind", ["contractive_hutchinson", "contractive_higher_order"])
def test_sampled_penalties_have_a_value_in_validation(kind):
    network, loss = built(declared(penalties=[{"kind": kind, "weight": 1.0, **PENALTIES[kind]}]))
    network.eval()
    with torch.no_grad():
        assert loss(BATCH, generator(), 3)[kind] > 0


def test_a_loss_with_a_running_estimate_keeps_it_in_buffers_beside_no_weight():
    penalty = {"kind": "kl_sparsity", "weight": 1.0, "target": 0.1, "decay": 0.9}
    network, loss = built(declared(penalties=[penalty]))
    assert isinstance(loss, torch.nn.Module)
    assert not list(loss.parameters())
    before = [value.clone() for value in loss.buffers()]
    loss(BATCH, generator(), 1)
    assert any(not torch.equal(a, b) for a, b in zip(before, loss.buffers(), strict=True))
    after = [value.clone() for value in loss.buffers()]
    network.eval()
    loss(BATCH, generator(), 1)
    assert all(torch.equal(a, b) for a, b in zip(after, loss.buffers(), strict=True))


def test_full_emphasis_leaves_the_error_of_the_hidden_components_alone():
    keys = {"corruption": {"kind": "masking", "fraction": 0.4}}
    network, loss = built(declared(**keys, emphasis={"corrupted": 1.0, "intact": 0.0}))
    value = loss(BATCH, generator(), 1)["reconstruction"]
    hidden = mask(torch.ones_like(X), 0.4, generator()) == 0
    raw = network.decode(network.encode(X * ~hidden))
    assert value.item() == pytest.approx(
        mse_loss(raw[hidden], X[hidden], reduction="sum").item() / 16, rel=1e-5
    )


def test_equal_emphasis_is_none():
    for corruption in ({"kind": "masking", "fraction": 0.4}, {"kind": "block", "size": 0.5}):
        _, plain = built(declared(corruption=corruption))
        _, even = built(declared(corruption=corruption, emphasis={"corrupted": 1.0, "intact": 1.0}))
        torch.testing.assert_close(
            plain(BATCH, generator(), 1)["reconstruction"],
            even(BATCH, generator(), 1)["reconstruction"],
        )


def test_a_sparse_code_has_the_scheduled_number_of_units_in_training_and_validation():
    config = declared(sparsity=SPARSE, penalties=[{"kind": "l1", "weight": 1.0}])
    network, loss = built(config)
    for training in (True, False):
        network.train(training)
        for epoch, k in ((1, 5), (2, 4), (4, 2)):
            code = network.network.encode(X).topk(k, dim=1).values
            term = loss(BATCH, generator(), epoch)["l1"]
            torch.testing.assert_close(term, code.sum(dim=1).mean())


def test_absolute_reconstruction_is_trained_on_absolute_error():
    network, loss = built(declared(reconstruction="absolute"))
    raw = network.decode(network.encode(X))
    expected = (raw - X).abs().flatten(1).sum(dim=1).mean()
    torch.testing.assert_close(loss(BATCH, generator(), 1)["reconstruction"], expected)


def test_the_exact_penalty_and_the_estimate_of_one_layer_agree_on_average():
    both = [
        {"kind": "contractive", "weight": 1.0},
        {"kind": "contractive_hutchinson", "weight": 1.0, "projections": 2000},
    ]
    _, loss = built(declared(penalties=both))
    terms = loss(BATCH, generator(), 1)
    torch.testing.assert_close(
        terms["contractive_hutchinson"], terms["contractive"], rtol=0.05, atol=0
    )
