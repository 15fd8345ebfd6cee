"""Laws that every autoencoder of the catalogue keeps."""

import pytest
import torch

from aepipe.errors import ArtifactError
from aepipe.models.arithmetic import multiply_adds
from aepipe.models.dense import Classifier
from aepipe.models.files import CLASSES, Blueprint, construct, load_model, save_model
from aepipe.models.vae import log_weights
from aepipe.objectives.reconstruction import squared_error

DENSE = {"widths": [12, 5], "nonlinearities": ["tanh", "linear"]}
CONVOLUTIONS = {
    "channels": [8, 16], "kernel": 3, "stride": 2, "padding": 1, "encoder": "strided",
    "decoder": "resize", "activation": "silu", "batch_norm": False,
}  # fmt: skip
TRUNK = {"convolutions": None, "widths": [12], "nonlinearity": "silu"}
VARIATIONAL = {
    "shape": [2, 3, 4], "trunk": TRUNK, "code_size": 5,
    "likelihood": {"kind": "gaussian_learned", "variance": 0.1}, "latent": "gaussian",
}  # fmt: skip
BLUEPRINTS = {
    "layer_tied": Blueprint(
        "layer",
        {"input_size": 24, "units": 7, "nonlinearity": "sigmoid", "tied": True,
         "reconstruction": "bernoulli"},
    ),
    "layer_free": Blueprint(
        "layer",
        {"input_size": 24, "units": 7, "nonlinearity": "tanh", "tied": False,
         "reconstruction": "squared"},
    ),
    "deep": Blueprint(
        "deep",
        {"shape": [2, 3, 4], **DENSE, "decoder_nonlinearities": ["tanh"],
         "reconstruction": "squared"},
    ),
    **{
        f"convolutional_{name}": Blueprint(
            "convolutional",
            {"shape": shape, "convolutions": CONVOLUTIONS | changes, "code_size": 5,
             "reconstruction": "squared"},
        )
        for name, shape, changes in [
            ("strided_resize", [2, 7, 10], {}),
            ("strided_transposed", [2, 7, 10], {"decoder": "transposed"}),
            ("pooled_resize", [2, 7, 10], {"encoder": "pooled"}),
            ("pooled_transposed", [2, 8, 12], {"encoder": "pooled", "decoder": "transposed"}),
            ("batch_norm", [2, 7, 10], {"batch_norm": True}),
        ]
    },
    **{
        f"lstm_{name}": Blueprint(
            "lstm",
            {"shape": shape, "recurrence": {"hidden_size": 24, "layers": layers,
             "decoder": decoder, "reversed": turned}, "code_size": 6, "reconstruction": "squared"},
        )
        for name, shape, layers, decoder, turned in [
            ("series", [9], 1, "unconditional", True),
            ("channels", [7, 3], 2, "unconditional", False),
            ("rows", [2, 5, 3], 1, "conditional", True),
        ]
    },
    **{
        f"transformer_{name}": Blueprint(
            "transformer",
            {"shape": shape, "attention": {"width": 16, "heads": 2, "layers": layers},
             "masking": None, "code_size": 6, "reconstruction": "squared"},
        )
        for name, shape, layers in [("series", [9], 1), ("channels", [7, 3], 2),
                                    ("rows", [2, 5, 3], 1)]
    },
    "deep_regularised": Blueprint(
        "deep",
        {"shape": [2, 3, 4], **DENSE, "decoder_nonlinearities": ["tanh"],
         "reconstruction": "squared", "options": {"dropout": 0.01, "normalisation": "batch"}},
    ),
    "tied": Blueprint(
        "tied",
        {"shape": [2, 3, 4], **DENSE, "decoder_nonlinearities": ["tanh"],
         "reconstruction": "absolute"},
    ),
    "tied_normalised": Blueprint(
        "tied",
        {"shape": [2, 3, 4], **DENSE, "decoder_nonlinearities": ["tanh"],
         "reconstruction": "squared", "options": {"normalisation": "layer"}},
    ),
    "k_sparse": Blueprint(
        "k_sparse",
        {"network": {"kind": "tied", "arguments": {
            "shape": [2, 3, 4], "widths": [30], "nonlinearities": ["linear"],
            "decoder_nonlinearities": [], "reconstruction": "squared"}},
         "k": 6, "evaluation_k": 9, "start_k": 20, "epochs": 4},
    ),
    "rbm_bernoulli": Blueprint(
        "rbm",
        {"shape": [2, 3, 4], "code_size": 20, "visible": "bernoulli", "hidden": "bernoulli",
         "variance": 1.0, "values": "drawn"},
    ),
    "rbm_gaussian_visible": Blueprint(
        "rbm",
        {"shape": [2, 3, 4], "code_size": 20, "visible": "gaussian", "hidden": "bernoulli",
         "variance": 0.1, "values": "means"},
    ),
    "rbm_gaussian_hidden": Blueprint(
        "rbm",
        {"shape": [24], "code_size": 9, "visible": "bernoulli", "hidden": "gaussian",
         "variance": 1.0, "values": "means"},
    ),
    **{
        f"variational_{name}": Blueprint("variational", VARIATIONAL | changes)
        for name, changes in [
            ("gaussian", {"likelihood": {"kind": "gaussian", "variance": 0.1}}),
            ("learned_variance", {}),
            ("bernoulli", {"likelihood": {"kind": "bernoulli"}}),
            ("discretised", {"likelihood": {"kind": "discretised_logistic", "levels": 17}}),
            ("spherical", {"latent": "hyperspherical"}),
            ("convolutional",
             {"shape": [2, 7, 10], "trunk": TRUNK | {"convolutions": CONVOLUTIONS}}),
            ("convolutions_alone",
             {"shape": [2, 7, 10], "trunk": TRUNK | {"convolutions": CONVOLUTIONS, "widths": []}}),
        ]
    },
    "two_layer_variational": Blueprint(
        "two_layer_variational",
        {key: value for key, value in VARIATIONAL.items() if key != "latent"}
        | {"upper": {"widths": [7], "code_size": 3, "nonlinearity": "tanh"}},
    ),
}  # fmt: skip
CLASSIFIER = Blueprint("classifier", {"shape": [2, 3, 4], **DENSE, "classes": 3, "dropout": 0.5})
AUTOENCODERS = pytest.mark.parametrize("blueprint", BLUEPRINTS.values(), ids=BLUEPRINTS)


def batch_for(blueprint: Blueprint, rows: int) -> torch.Tensor:
    arguments = blueprint.inside().arguments
    shape = arguments.get("shape", [arguments.get("input_size")])
    return torch.rand(rows, *shape, generator=torch.Generator().manual_seed(3))


def fresh(blueprint: Blueprint) -> torch.nn.Module:
    torch.manual_seed(0)
    return construct(blueprint)


def test_every_kind_of_the_catalogue_is_tried_here():
    tried = {blueprint.kind for blueprint in BLUEPRINTS.values()} | {CLASSIFIER.kind}
    assert tried == set(CLASSES)


@AUTOENCODERS
def test_codes_and_reconstructions_have_the_promised_shapes(blueprint):
    model, x = fresh(blueprint).eval(), batch_for(blueprint, 6)
    code = model.encode(x)
    assert code.shape == (6, model.code_size)
    assert model.mean(model.decode(code)).shape == x.shape


@AUTOENCODERS
def test_samples_do_not_influence_each_other(blueprint):
    model, x = fresh(blueprint).eval(), batch_for(blueprint, 6)
    alone = torch.cat([model.decode(model.encode(row[None])) for row in x])
    torch.testing.assert_close(model.decode(model.encode(x)), alone, rtol=1e-4, atol=1e-5)


@AUTOENCODERS
def test_a_gradient_reaches_every_parameter(blueprint):
    model, x = fresh(blueprint), batch_for(blueprint, 64)
    if "variational" in blueprint.kind:
        inference = model.infer(x, 2, torch.Generator().manual_seed(0))
        (-log_weights(model, inference, x)).mean().backward()
    else:
        squared_error(model.decode(model.encode(x)), x).backward()
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, name
            assert parameter.grad.abs().sum() > 0, name


@AUTOENCODERS
def test_eight_samples_can_be_learned_by_heart(blueprint):
    model, x = fresh(blueprint), batch_for(blueprint, 8)
    rate = 0.002 if blueprint.kind == "transformer" else 0.02  # attention wants small steps
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    errors: list[float] = []
    while len(errors) < 400 and (not errors or errors[-1] >= 0.1 * errors[0]):
        error = squared_error(model.mean(model.decode(model.encode(x))), x)
        errors.append(error.item())
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
    assert errors[-1] < 0.1 * errors[0]


@AUTOENCODERS
def test_a_batch_of_one_can_be_trained_on(blueprint):
    model, x = fresh(blueprint).train(), batch_for(blueprint, 1)
    squared_error(model.mean(model.decode(model.encode(x))), x).backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize("blueprint", [*BLUEPRINTS.values(), CLASSIFIER], ids=lambda b: b.kind)
def test_a_saved_model_comes_back_the_same_and_as_the_same_bytes(blueprint, tmp_path):
    model = fresh(blueprint).eval()
    for folder in ("one", "two"):
        save_model(tmp_path / folder, blueprint, model, {"below": None})
    for name in ("model.json", "weights.safetensors"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    loaded, x = load_model(tmp_path / "one"), batch_for(blueprint, 4)
    assert torch.equal(loaded.encode(x), model.encode(x))
    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())


def test_damaged_or_mismatched_files_are_named(tmp_path):
    save_model(tmp_path, CLASSIFIER, fresh(CLASSIFIER), {})
    weights = tmp_path / "weights.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ArtifactError, match=r"weights\.safetensors: does not fit model\.json"):
        load_model(tmp_path)
    save_model(tmp_path, BLUEPRINTS["deep"], fresh(CLASSIFIER), {})
    with pytest.raises(ArtifactError, match="does not fit"):
        load_model(tmp_path)
    weights.unlink()
    with pytest.raises(ArtifactError, match="no such file"):
        load_model(tmp_path)


def test_dropout_acts_in_training_only():
    model, x = fresh(CLASSIFIER), batch_for(CLASSIFIER, 5)
    assert isinstance(model, Classifier)
    assert not torch.equal(model.train()(x), model(x))
    assert torch.equal(model.eval()(x), model(x))


@AUTOENCODERS
def test_arithmetic_is_counted_for_every_kind_and_leaves_the_network_alone(blueprint):
    model, x = fresh(blueprint).eval(), batch_for(blueprint, 1)
    before = model.encode(x)
    # each weight of a linear map is used once, and those of convolutions and series more often
    assert multiply_adds(model, x.shape[1:]) >= 5 * 24
    torch.testing.assert_close(model.encode(x), before, rtol=0, atol=0)


def test_arithmetic_is_that_of_the_matrices():
    deep = fresh(BLUEPRINTS["deep"])  # 24 features, then 12 and 5 units
    assert multiply_adds(deep, (2, 3, 4)) == 24 * 12 + 12 * 5
    convolutional = fresh(BLUEPRINTS["convolutional_strided_resize"])  # 7 x 10, 4 x 5, 2 x 3
    kernels = 4 * 5 * 8 * 2 * 9 + 2 * 3 * 16 * 8 * 9
    assert multiply_adds(convolutional, (2, 7, 10)) == kernels + 2 * 3 * 16 * 5
