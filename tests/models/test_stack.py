"""The stack on disk and unrolled."""

import pytest
import torch

from aepipe.errors import ArtifactError
from aepipe.models.files import Blueprint, construct, save_model
from aepipe.models.stack import load_stack, unroll

LAYERS = [  # name, below, input size, units, activation, tied, reconstruction
    ("zebra", None, 24, 9, "sigmoid", True, "bernoulli"),
    ("mouse", "zebra", 9, 6, "relu", False, "bernoulli"),
    ("ape", "mouse", 6, 3, "linear", True, "squared"),
]


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(0)
    for name, below, size, units, nonlinearity, tied, reconstruction in LAYERS:
        arguments = {
            "input_size": size, "units": units, "nonlinearity": nonlinearity, "tied": tied,
            "reconstruction": reconstruction,
        }  # fmt: skip
        blueprint = Blueprint("layer", arguments)
        model = construct(blueprint)
        with torch.no_grad():
            model.decoder_bias.uniform_(-1, 1)
        shape = [2, 3, 4] if below is None else [size]
        save_model(tmp_path / name, blueprint, model, {"below": below, "shape": shape})
    return tmp_path


def test_layers_are_ordered_by_what_they_stand_on_not_by_name(folder):
    widths = [blueprint.arguments["units"] for blueprint in load_stack(folder).blueprints]
    assert widths == [9, 6, 3]


def test_unrolled_it_computes_what_the_layers_do_one_after_the_other(folder):
    stack = load_stack(folder)
    _, model = unroll(stack)
    x = torch.rand(5, 2, 3, 4)

    code = x
    for layer in stack.layers:
        code = layer.encode(code)
    torch.testing.assert_close(model.encode(x), code)

    down = torch.relu(stack.layers[2].decode(code))  # squared over rectified units
    down = torch.sigmoid(stack.layers[1].decode(down))  # Bernoulli units
    raw = stack.layers[0].decode(down).reshape(5, 2, 3, 4)
    torch.testing.assert_close(model.decode(code), raw)
    torch.testing.assert_close(model.mean(raw), torch.sigmoid(raw))


def test_a_stack_of_sparse_layers_unrolls_to_codes_as_sparse_as_the_layers_pass_on(tmp_path):
    torch.manual_seed(0)
    numbers = {"k": 2, "start_k": 2, "epochs": 0}
    layers = []
    for name, below, size, units, nonlinearity, tied, reconstruction in LAYERS:
        arguments = {
            "input_size": size, "units": units, "nonlinearity": nonlinearity, "tied": tied,
            "reconstruction": reconstruction,
        }  # fmt: skip
        blueprint = Blueprint("layer", arguments)
        if name != "mouse":  # sparse, not sparse, sparse
            blueprint = Blueprint(
                "k_sparse", {"network": blueprint.nested(), **numbers, "evaluation_k": 2}
            )
        layers.append(construct(blueprint).eval())
        shape = [2, 3, 4] if below is None else [size]
        save_model(tmp_path / name, blueprint, layers[-1], {"below": below, "shape": shape})
    _, model = unroll(load_stack(tmp_path))
    x = torch.rand(5, 2, 3, 4)
    code = x.flatten(1)
    for layer in layers:
        code = layer.encode(code)
    torch.testing.assert_close(model.eval().encode(x), code)
    assert (code != 0).sum(dim=1).max() == 2


RBMS = [  # name, below, input size, units, visible, hidden
    ("zebra", None, 24, 9, "gaussian", "bernoulli"),
    ("mouse", "zebra", 9, 6, "bernoulli", "bernoulli"),
    ("ape", "mouse", 6, 3, "bernoulli", "gaussian"),
]


def save_rbm(folder, name, below, size, units, visible, hidden):
    arguments = {
        "shape": [size], "code_size": units, "visible": visible, "hidden": hidden,
        "variance": 0.25, "values": "means",
    }  # fmt: skip
    blueprint = Blueprint("rbm", arguments)
    model = construct(blueprint)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-1, 1)
    shape = [2, 3, 4] if below is None else [size]
    save_model(folder / name, blueprint, model, {"below": below, "shape": shape})


def test_a_deep_belief_network_unrolls_to_the_means_of_its_layers(tmp_path):
    torch.manual_seed(0)
    for layer in RBMS:
        save_rbm(tmp_path, *layer)
    stack = load_stack(tmp_path)
    _, model = unroll(stack)
    x = torch.rand(5, 2, 3, 4)

    code = x
    for layer in stack.layers:
        code = layer.encode(code)
    torch.testing.assert_close(model.encode(x), code)

    down = code
    for layer in reversed(stack.layers):
        down = layer.mean(layer.decode(down))
    torch.testing.assert_close(model.mean(model.decode(code)), down.reshape(5, 2, 3, 4))


def test_layers_of_both_kinds_unroll_together(folder):
    save_rbm(folder, "ant", "ape", 3, 2, "gaussian", "bernoulli")
    save_rbm(folder, "zebra", None, 24, 9, "bernoulli", "bernoulli")
    stack = load_stack(folder)
    _, model = unroll(stack)
    x = torch.rand(5, 2, 3, 4)
    code = x
    for layer in stack.layers:
        code = layer.encode(code)
    torch.testing.assert_close(model.encode(x), code)

    down = stack.layers[3].decode(code)  # Gaussian units over a linear code
    down = torch.relu(stack.layers[2].decode(down))  # squared over rectified units
    down = torch.sigmoid(stack.layers[1].decode(down))  # Bernoulli units
    raw = stack.layers[0].decode(down).reshape(5, 2, 3, 4)
    torch.testing.assert_close(model.decode(code), raw)


def test_a_network_that_is_no_layer_is_refused(folder):
    blueprint = unroll(load_stack(folder))[0]
    facts = {"below": "mouse", "shape": [6]}
    save_model(folder / "ape", blueprint, construct(blueprint), facts)
    with pytest.raises(ArtifactError, match="DeepAutoencoder, which is no layer"):
        load_stack(folder)


def test_a_layer_that_is_no_longer_declared_is_named_with_the_command_that_removes_it(folder):
    blueprint = load_stack(folder).blueprints[2]
    facts = {"below": "gone", "shape": [6]}
    save_model(folder / "old", blueprint, construct(blueprint), facts)
    with pytest.raises(ArtifactError, match=r"rm -r .*old"):
        load_stack(folder)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(ArtifactError, match="chain"):
        load_stack(tmp_path)
