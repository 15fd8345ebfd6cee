"""Laws of dense networks beyond those that every network keeps."""

import copy

import pytest
import torch
from scipy.linalg import subspace_angles
from sklearn.datasets import load_digits

from aepipe.models.dense import DeepAutoencoder, DenseLayer, TiedAutoencoder
from aepipe.models.perceptron import BatchNormalisation, linears, perceptron
from aepipe.objectives.reconstruction import squared_error

X = torch.rand(6, 12, generator=torch.Generator().manual_seed(0))
CLASSES = {"tied": TiedAutoencoder, "free": DeepAutoencoder}


@pytest.mark.parametrize("network", CLASSES.values(), ids=CLASSES)
def test_a_linear_autoencoder_finds_the_subspace_of_pca(network):
    images = torch.from_numpy(load_digits().images).double().flatten(1)[:500] / 16
    torch.manual_seed(0)
    model = network((64,), [8], ["linear"], [], "squared").double()
    optimizer = torch.optim.LBFGS(
        model.parameters(), max_iter=1000, history_size=50, line_search_fn="strong_wolfe",
        tolerance_grad=1e-10, tolerance_change=1e-14,
    )  # fmt: skip

    def closure():
        optimizer.zero_grad()
        error = squared_error(model.decode(model.encode(images)), images)
        error.backward()
        return error

    optimizer.step(closure)
    with torch.no_grad():
        decoder = model.decode(torch.eye(8).double()) - model.decode(torch.zeros(1, 8).double())
    _, _, components = torch.linalg.svd(images - images.mean(dim=0), full_matrices=False)
    angles = subspace_angles(decoder.T.numpy(), components[:8].T.numpy())
    assert angles.max() < 1e-3  # radians


def test_a_tied_network_of_one_layer_is_the_tied_layer():
    torch.manual_seed(0)
    layer = DenseLayer(12, 5, "sigmoid", tied=True, reconstruction="bernoulli")
    torch.manual_seed(0)
    network = TiedAutoencoder((12,), [5], ["sigmoid"], [], "bernoulli")
    assert torch.equal(network.encode(X), layer.encode(X))
    torch.testing.assert_close(network.decode(network.encode(X)), layer.decode(layer.encode(X)))


def test_a_deep_tied_network_goes_back_through_its_own_weights():
    torch.manual_seed(0)
    network = TiedAutoencoder((12,), [7, 5], ["tanh", "linear"], ["tanh"], "squared")
    first, second = linears(network.encoder)
    code = network.encode(X)
    expected = torch.tanh(code @ second.weight) @ first.weight
    torch.testing.assert_close(network.decode(code), expected)  # fresh biases are 0
    weights = [p for p in network.parameters() if p.dim() > 1]
    assert len(weights) == 2


def test_networks_without_options_draw_and_name_their_weights_as_before_there_were_any():
    torch.manual_seed(0)
    plain = perceptron([12, 7, 5], ["tanh", "linear"])
    torch.manual_seed(0)
    by_hand = [torch.nn.Linear(12, 7), torch.nn.Linear(7, 5)]
    assert list(plain.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    for layer, expected in zip(linears(plain), by_hand, strict=True):
        assert torch.equal(layer.weight, expected.weight)


@pytest.mark.parametrize("network", CLASSES.values(), ids=CLASSES)
def test_dropout_hides_hidden_units_in_training_and_never_the_code_or_the_output(network):
    torch.manual_seed(0)
    hidden = network((12,), [50, 5], ["relu", "linear"], ["relu"], "squared", {"dropout": 0.5})
    assert not torch.equal(hidden.train().encode(X), hidden.encode(X))
    assert torch.equal(hidden.eval().encode(X), hidden.encode(X))
    dropped = [module for module in hidden.modules() if isinstance(module, torch.nn.Dropout)]
    assert len(dropped) == 2  # one hidden layer each way


def test_normalised_units_have_mean_0_and_variance_1_over_what_is_normalised():
    torch.manual_seed(0)
    x = torch.randn(200, 12) * 3 + 5
    batch = perceptron([12, 7, 5], ["linear", "linear"], {"normalisation": "batch"})
    hidden = batch[:2](x)
    torch.testing.assert_close(hidden.mean(dim=0), torch.zeros(7), atol=1e-5, rtol=0)
    torch.testing.assert_close(hidden.var(dim=0, correction=0), torch.ones(7), atol=1e-3, rtol=0)
    layer = perceptron([12, 7, 5], ["linear", "linear"], {"normalisation": "layer"})
    hidden = layer[:2](x)
    torch.testing.assert_close(hidden.mean(dim=1), torch.zeros(200), atol=1e-5, rtol=0)


def test_a_batch_of_one_is_normalised_as_in_evaluation_and_leaves_the_estimates_alone():
    norm = BatchNormalisation(3)
    norm(torch.randn(50, 3) * 2 + 1)
    before = copy.deepcopy(norm.state_dict())
    row = torch.randn(1, 3)
    trained = norm.train()(row)
    assert all(torch.equal(value, before[name]) for name, value in norm.state_dict().items())
    torch.testing.assert_close(trained, norm.eval()(row))


def test_only_so_many_units_of_a_layer_count_as_are_kept():
    torch.manual_seed(0)
    kept = perceptron([12, 7, 5], ["relu", "linear"], {"kept": [None, 2]})
    assert (kept(X) != 0).sum(dim=1).tolist() == [2] * 6
