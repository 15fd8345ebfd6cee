"""Laws of sparse codes."""

import pytest
import torch

from aepipe.models.dense import DenseLayer
from aepipe.models.files import Blueprint, construct
from aepipe.models.k_sparse import KSparse, keep_largest

X = torch.rand(5, 12, generator=torch.Generator().manual_seed(0))


def sparse(start_k: int = 6, epochs: int = 0) -> KSparse:
    torch.manual_seed(0)
    layer = DenseLayer(12, 30, "linear", tied=True, reconstruction="squared")
    return KSparse(layer, k=6, evaluation_k=9, start_k=start_k, epochs=epochs)


def active(code: torch.Tensor) -> set[int]:
    return set((code != 0).sum(dim=1).tolist())


def test_exactly_the_k_largest_are_kept_as_they_are():
    activations = torch.randn(9, 20)
    kept = keep_largest(activations, 4)
    assert active(kept) == {4}
    threshold = activations.sort(dim=1, descending=True).values[:, 3:4]
    assert torch.equal(kept, torch.where(activations >= threshold, activations, 0))


def test_another_number_of_units_counts_in_evaluation():
    model = sparse()
    assert active(model.train().encode(X)) == {6}
    assert active(model.eval().encode(X)) == {9}


def test_k_moves_linearly_from_its_start_and_stays_at_its_end():
    model = sparse(start_k=26, epochs=10)
    assert [model.k_at(epoch) for epoch in (1, 2, 6, 11, 40)] == [26, 24, 16, 6, 6]
    assert active(model.encode_at(X, 6)) == {16}
    assert {sparse().k_at(epoch) for epoch in (1, 5)} == {6}


def test_validation_in_training_sees_as_many_units_as_training():
    model = sparse(start_k=26, epochs=10).eval()
    assert active(model.encode_at(X, 40)) == {6}


def test_with_all_units_kept_it_is_the_network_itself():
    torch.manual_seed(0)
    layer = DenseLayer(12, 30, "linear", tied=True, reconstruction="squared")
    model = KSparse(layer, k=30, evaluation_k=30, start_k=30, epochs=0)
    assert torch.equal(model.encode(X), layer.encode(X))


def test_only_units_that_count_learn():
    model = sparse()
    code = model.encode(X[:1])
    model.decode(code).square().sum().backward()
    moved = model.network.encoder.weight.grad.abs().sum(dim=1) > 0
    assert torch.equal(moved, code[0] != 0)


def test_more_active_units_than_the_code_has_are_refused_with_the_numbers():
    layer = DenseLayer(12, 8, "linear", tied=True, reconstruction="squared")
    with pytest.raises(ValueError, match=r"k 4, evaluation k 9 and start k 4 .* code_size 8"):
        KSparse(layer, k=4, evaluation_k=9, start_k=4, epochs=0)


def test_a_blueprint_holds_the_network_inside():
    layer = Blueprint("layer", {"input_size": 12, "units": 30, "nonlinearity": "linear",
                                "tied": True, "reconstruction": "squared"})  # fmt: skip
    numbers = {"k": 6, "evaluation_k": 9, "start_k": 6, "epochs": 0}
    outer = Blueprint("k_sparse", {"network": layer.nested(), **numbers})
    assert outer.inside() == layer
    torch.manual_seed(0)
    built = construct(outer).eval()
    assert torch.equal(built.encode(X), sparse().eval().encode(X))
