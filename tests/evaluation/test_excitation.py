"""Exciting inputs: against closed forms, and better than every test sample of their length."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from aepipe.evaluation.concepts import concept_figures
from aepipe.evaluation.excitation import exciting_inputs, optimal_inputs, responses
from aepipe.models.dense import DenseLayer
from aepipe.monitor import Silent
from aepipe.params.judgements import Ascent, Concepts

ASCENT = Ascent(steps=300, step_size=0.3)


def test_the_optimum_of_a_sigmoid_unit_is_along_its_weights():
    torch.manual_seed(0)
    weight = torch.randn(4, 9)
    response = responses(
        lambda x: torch.sigmoid(x @ weight.T), torch.tensor([2, 0]), torch.tensor([1.0, -1.0])
    )
    found = optimal_inputs(response, torch.rand(2, 9), 3.0, ASCENT)
    for row, (unit, sign) in zip(found, [(2, 1.0), (0, -1.0)], strict=True):
        expected = 3.0 * sign * weight[unit] / weight[unit].norm()
        torch.testing.assert_close(row, expected, atol=0.02, rtol=0.02)


def test_the_optimum_of_a_quadratic_form_is_its_first_eigenvector():
    matrix = torch.diag(torch.tensor([1.0, 5.0, 2.0]))
    found = optimal_inputs(
        lambda x: torch.einsum("ni,ij,nj->n", x, matrix, x), torch.ones(1, 3), 2.0, ASCENT
    )
    torch.testing.assert_close(found.abs(), torch.tensor([[0.0, 2.0, 0.0]]), atol=0.02, rtol=0.02)


def test_a_unit_without_a_slope_keeps_where_it_started():
    start = torch.rand(2, 1, 3, 3) + 0.1
    found = optimal_inputs(lambda x: (x * 0).sum(dim=(1, 2, 3)), start, 1.0, ASCENT)
    lengths = start.flatten(1).norm(dim=1)
    torch.testing.assert_close(found, start / lengths[:, None, None, None])


@pytest.fixture
def judged(hold_court, identity):
    """A network, a court, and the units that it was found to have for three classes."""
    torch.manual_seed(1)
    rng = np.random.default_rng(0)
    layer = DenseLayer(5, 6, "sigmoid", False, "squared").eval()
    labels = np.arange(90) % 3
    features = (rng.normal(size=(90, 5)) + 2 * np.eye(5)[labels]).astype(np.float32)
    splits = np.array(["train", "valid", "test"])[np.arange(90) // 3 % 3]

    def encode(x):
        with torch.no_grad():
            return layer.encode(torch.from_numpy(x)).numpy().astype(np.float64)

    subject = replace(identity, code_size=6, encode=encode, encode_tensors=layer.encode)
    bench = hold_court(features, labels, splits)
    found = concept_figures(subject, bench.court, Concepts(choose_on="train"), Silent())
    return subject, bench, found["classes"]


def test_optimal_inputs_excite_more_than_any_sample_of_their_length(judged):
    subject, bench, concepts = judged
    found = exciting_inputs(subject, bench.court, concepts, ASCENT)
    assert found.shape == (2, 3, 5)
    test = bench.rows["test"]
    length = np.linalg.norm(test, axis=1).mean()
    np.testing.assert_allclose(np.linalg.norm(found[1], axis=1), length, rtol=1e-5)
    turned = (test * length / np.linalg.norm(test, axis=1, keepdims=True)).astype(np.float32)
    for place, concept in enumerate(concepts.values()):
        unit, sign = concept["unit"], concept["sign"]
        best = sign * subject.encode(found[1])[place, unit]
        assert best > (sign * subject.encode(turned)[:, unit]).max()
        sample = sign * subject.encode(found[0])[place, unit]
        assert sample == pytest.approx((sign * subject.encode(test)[:, unit]).max())


def test_without_ascent_or_derivatives_there_are_the_samples_alone(judged):
    subject, bench, concepts = judged
    assert exciting_inputs(subject, bench.court, concepts, None).shape == (1, 3, 5)
    through_numpy = replace(
        subject, encode_tensors=lambda x: torch.from_numpy(subject.encode(x.numpy()))
    )
    assert exciting_inputs(through_numpy, bench.court, concepts, ASCENT).shape == (1, 3, 5)
    cut = replace(subject, encode_tensors=lambda x: torch.ones(len(x), 6))
    assert exciting_inputs(cut, bench.court, concepts, ASCENT).shape == (1, 3, 5)
