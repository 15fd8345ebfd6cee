"""Penalties on the encoder's Jacobian against automatic differentiation."""

import pytest
import torch
from torch.func import jacrev, vmap

from aepipe.objectives.contraction import contractive, sampled_contraction, sampled_curvature

X = torch.randn(7, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def sigmoid_layer():
    torch.manual_seed(0)
    layer = torch.nn.Linear(5, 3).double()
    return layer, lambda x: torch.sigmoid(layer(x))


def deep():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Linear(5, 6), torch.nn.Tanh(), torch.nn.Linear(6, 4), torch.nn.SiLU()
    ).double()


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def test_contractive_is_the_squared_norm_of_the_true_jacobian():
    layer, encode = sigmoid_layer()
    expected = vmap(jacrev(encode))(X).square().sum(dim=(1, 2)).mean()  # (batch, code, input)
    torch.testing.assert_close(contractive(encode(X), layer.weight), expected)


def test_contractive_has_the_gradient_of_the_true_jacobians_norm():
    layer, encode = sigmoid_layer()
    exact = torch.autograd.grad(contractive(encode(X), layer.weight), layer.weight)[0]
    true = vmap(jacrev(encode))(X).square().sum(dim=(1, 2)).mean()
    torch.testing.assert_close(exact, torch.autograd.grad(true, layer.weight)[0])


def test_contractive_vanishes_where_all_units_are_saturated():
    layer, _ = sigmoid_layer()
    assert contractive(torch.tensor([[0.0, 1.0, 1.0]]).double(), layer.weight) == 0


def test_contractive_rejects_the_decoders_weight():
    with pytest.raises(ValueError, match=r"5 rows for a code of 3 units.*not the decoder's"):
        contractive(torch.full((2, 3), 0.5), torch.zeros(5, 3))


def test_many_projections_estimate_the_norm_of_the_true_jacobian():
    encode = deep()
    expected = vmap(jacrev(encode))(X).square().sum(dim=(1, 2)).mean()
    estimate = sampled_contraction(encode, X, 3000, generator())
    torch.testing.assert_close(estimate, expected, rtol=0.02, atol=0)


def test_the_estimate_is_exact_for_a_single_unit():
    layer = torch.nn.Linear(5, 1).double()
    estimate = sampled_contraction(layer, X, 1, generator())  # (+-1)^2 is 1
    torch.testing.assert_close(estimate, layer.weight.square().sum())


def test_the_estimate_agrees_with_the_closed_form_of_the_sigmoid_layer():
    layer, encode = sigmoid_layer()
    estimate = sampled_contraction(encode, X, 3000, generator())
    torch.testing.assert_close(estimate, contractive(encode(X), layer.weight), rtol=0.02, atol=0)


def test_curvature_is_how_much_the_true_jacobian_changes():
    encode = deep()
    points = torch.Generator().manual_seed(1)
    jacobian = vmap(jacrev(encode))
    changes = []
    for _ in range(500):
        noise = torch.randn(X.shape, generator=points, dtype=X.dtype)
        changes.append((jacobian(X) - jacobian(X + 0.3 * noise)).square().sum(dim=(1, 2)).mean())
    estimate = sampled_curvature(encode, X, 0.3, 1500, generator())
    torch.testing.assert_close(estimate, torch.stack(changes).mean(), rtol=0.06, atol=0)


def test_curvature_close_by_is_the_squared_norm_of_the_hessian():
    encode, deviation = deep(), 1e-3
    expected = deviation**2 * vmap(jacrev(jacrev(encode)))(X).square().sum(dim=(1, 2, 3)).mean()
    estimate = sampled_curvature(encode, X, deviation, 1500, generator())
    torch.testing.assert_close(estimate, expected, rtol=0.06, atol=0)


def test_a_linear_encoder_has_no_curvature():
    layer = torch.nn.Linear(5, 3).double()
    assert sampled_curvature(layer, X, 0.5, 3, generator()).item() == pytest.approx(0, abs=1e-20)


SAMPLED = {
    "contraction": lambda encode, x: sampled_contraction(encode, x, 4, generator()),
    "curvature": lambda encode, x: sampled_curvature(encode, x, 0.3, 4, generator()),
}


@pytest.mark.parametrize("penalty", SAMPLED.values(), ids=SAMPLED)
def test_a_gradient_reaches_every_weight_of_the_encoder(penalty):
    encode = deep()
    penalty(encode, X).backward()
    for name, parameter in encode.named_parameters():
        if name != "2.bias" or penalty is not SAMPLED["curvature"]:
            assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("penalty", SAMPLED.values(), ids=SAMPLED)
def test_equal_generator_states_give_equal_values_and_images_are_taken_as_they_are(penalty):
    encode = torch.nn.Sequential(torch.nn.Flatten(), deep())
    images = X.view(7, 1, 5, 1)
    assert penalty(encode, images) == penalty(encode, images)
    torch.testing.assert_close(penalty(encode, images), penalty(deep(), X))


@pytest.mark.parametrize("penalty", SAMPLED.values(), ids=SAMPLED)
def test_values_are_there_without_gradients_too_as_validation_needs(penalty):
    with torch.no_grad():
        value = penalty(deep().requires_grad_(False), X)
    assert not value.requires_grad
    torch.testing.assert_close(value, penalty(deep(), X).detach())


@pytest.mark.parametrize("penalty", SAMPLED.values(), ids=SAMPLED)
def test_the_mean_does_not_depend_on_the_batch_size(penalty):
    # in expectation: each sample has draws of its own
    encode = deep()
    torch.testing.assert_close(
        penalty(encode, X.repeat(600, 1)), penalty(encode, X.repeat(300, 1)), rtol=0.05, atol=0
    )
