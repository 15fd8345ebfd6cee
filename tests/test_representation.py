"""Everything that encodes is read from its folder in the same way."""

import numpy as np
import pytest
import torch

from aepipe.data.parts import write_parts
from aepipe.errors import ArtifactError
from aepipe.evaluation.pca import fit_pca, save_pca
from aepipe.models.bounds import bounds_of_code
from aepipe.models.files import Blueprint, construct, save_model
from aepipe.representation import load_representations

SHAPE = (1, 4, 4)
X = torch.rand(12, *SHAPE, generator=torch.Generator().manual_seed(0))
WIDTHS = {"widths": [9, 3], "nonlinearities": ["relu", "linear"]}
DEEP = Blueprint(
    "deep",
    {"shape": list(SHAPE), **WIDTHS, "decoder_nonlinearities": ["relu"],
     "reconstruction": "bernoulli"},
)  # fmt: skip
HEAD = Blueprint("classifier", {"shape": list(SHAPE), **WIDTHS, "classes": 4, "dropout": 0.5})
LAYER = Blueprint(
    "layer",
    {"input_size": 16, "units": 5, "nonlinearity": "sigmoid", "tied": True,
     "reconstruction": "bernoulli"},
)  # fmt: skip


def test_pca_is_one_representation_for_each_code_size(tmp_path):
    rows = write_parts(tmp_path / "rows", [X.numpy()])
    save_pca(tmp_path / "pca", fit_pca(rows.blocks(5), [2, 7]))
    small, large = load_representations(tmp_path / "pca")
    assert (small.name_suffix, large.name_suffix) == ("_2", "_7")
    for each, size in ((small, 2), (large, 7)):
        codes = each.encode(X)
        assert codes.shape == (12, each.code_size) == (12, size)
        assert each.decode(codes).shape == X.shape


def test_a_stack_folds_its_reconstructions_as_the_samples_are(tmp_path):
    facts = {"below": None, "shape": list(SHAPE)}
    save_model(tmp_path / "stack" / "first", LAYER, construct(LAYER), facts)
    (stack,) = load_representations(tmp_path / "stack")
    assert stack.decode(stack.encode(X)).shape == X.shape


def test_a_network_decodes_into_data_units(tmp_path):
    save_model(tmp_path, DEEP, construct(DEEP), {})
    (network,) = load_representations(tmp_path)
    decoded = network.decode(network.encode(X))
    assert decoded.shape == X.shape
    assert decoded.min() > 0
    assert decoded.max() < 1  # Bernoulli means, not logits
    assert not decoded.requires_grad
    assert network.heads == {}


def test_a_classifier_has_the_codes_of_the_finetuned_network_and_two_heads(tmp_path):
    models = {name: construct(HEAD) for name in ("finetuned", "control")}
    for name, model in models.items():
        save_model(tmp_path / name, HEAD, model, {})
    (classifier,) = load_representations(tmp_path)
    torch.testing.assert_close(classifier.encode(X), models["finetuned"].eval().encode(X))
    assert classifier.decode is None
    for name, model in models.items():
        torch.testing.assert_close(classifier.heads[name](X), model.eval()(X))


@pytest.mark.parametrize(
    ("activation", "bounds"), [("sigmoid", (0.0, 1.0)), ("tanh", (-1.0, 1.0)), ("relu", None)]
)
def test_the_bounds_of_a_code_are_those_of_its_activation_sparse_or_not(
    tmp_path, activation, bounds
):
    dense = Blueprint(
        "tied",
        {"shape": list(SHAPE), "widths": [9, 5], "nonlinearities": ["sigmoid", activation],
         "decoder_nonlinearities": ["sigmoid"], "reconstruction": "squared"},
    )  # fmt: skip
    numbers = {"k": 2, "evaluation_k": 3, "start_k": 2, "epochs": 0}
    sparse = Blueprint("k_sparse", {"network": dense.nested(), **numbers})
    for number, blueprint in enumerate((dense, sparse)):
        save_model(tmp_path / str(number), blueprint, construct(blueprint), {})
        (network,) = load_representations(tmp_path / str(number))
        assert bounds_of_code(network.network) == bounds
    layer = Blueprint("layer", LAYER.arguments | {"nonlinearity": activation})
    kept = Blueprint("k_sparse", {"network": layer.nested(), "k": 2, "evaluation_k": 3,
                                  "start_k": 2, "epochs": 0})  # fmt: skip
    facts = {"below": None, "shape": list(SHAPE)}
    save_model(tmp_path / "stack" / "first", kept, construct(kept), facts)
    (stack,) = load_representations(tmp_path / "stack")
    assert bounds_of_code(stack.network) == bounds  # of the unrolled network


def test_raw_features_are_their_own_code(small_dataset):
    (raw,) = load_representations(small_dataset)
    np.testing.assert_array_equal(raw.encode(X).numpy(), X.reshape(12, 16).numpy())
    assert raw.code_size == 16


@pytest.fixture
def small_dataset(tmp_path):
    from aepipe.data.dataset import Dataset, describe_dataset

    counts = {"train": 1, "valid": 1, "test": 1}
    dataset = Dataset(tmp_path, "npz", "0", SHAPE, 1.0, 0.0, (0.0, 1.0), [], counts, paired=False)
    describe_dataset(dataset)
    return tmp_path


def test_a_folder_that_holds_none_of_these_is_refused(tmp_path):
    with pytest.raises(ArtifactError):
        load_representations(tmp_path)
