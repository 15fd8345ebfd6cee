"""What a variational section refuses, and what it builds."""

import pytest
import torch

from aepipe.errors import ParamsError
from aepipe.models.build import model_blueprint
from aepipe.models.files import construct
from aepipe.models.two_layer import TwoLayerVariational
from aepipe.models.von_mises_fisher import VonMisesFisher
from aepipe.objectives.build import model_loss
from aepipe.objectives.loss import Batch
from aepipe.params.load import validate
from aepipe.params.variational import Variational

TRAINING = {
    "epochs": 8, "batch_size": 16, "learning_rate": 0.01, "schedule": "constant",
    "weight_decay": 0.0, "patience": 3, "precision": "float32",
}  # fmt: skip
BERNOULLI = {"kind": "bernoulli"}
SPHERE = {"kind": "von_mises_fisher"}
CONVOLUTIONS = {
    "channels": [4], "kernel": 3, "stride": 2, "padding": 1, "encoder": "strided",
    "decoder": "resize", "activation": "silu",
}  # fmt: skip


def section(**keys) -> Variational:
    plain = {
        "kind": "variational", "widths": [9], "code_size": 4, "activation": "relu",
        "decoder": BERNOULLI, "kl_weight": 1.0, "warmup_epochs": 0, "training": TRAINING,
    }  # fmt: skip
    return validate(Variational, plain | keys, "models.tried")


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"posterior": SPHERE, "code_size": 1}, "which make a circle, not 1"),
        ({"posterior": SPHERE, "upper": {"widths": [], "code_size": 2}}, "leave one of them out"),
        ({"binarised": True, "decoder": {"kind": "gaussian", "variance": 0.1}}, "not gaussian"),
        ({"kl_weight": 0.0, "reconstruction_weight": 0.0}, "so nothing is learned"),
        ({"cycles": {"count": 2, "rise": 0.5}, "warmup_epochs": 3}, "3: expected one of them"),
        ({"cycles": {"count": 8, "rise": 0.5}}, "8 in 8 epochs leave no epoch at full weight"),
        ({"importance_samples": 5, "kl_weight": 2.0}, "to weigh; expected kl_weight 1.0"),
        ({"importance_samples": 5, "free_bits": 0.1}, "no KL term to weigh"),
        ({"importance_samples": 1}, "greater than or equal to 2"),
        ({"decoder": {"kind": "discretised_logistic", "levels": 1}}, "greater than or equal to 2"),
        ({"posterior": {"kind": "laplace"}}, "unknown kind; expected one of"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_refused_with_the_numbers(keys, expected):
    with pytest.raises(ParamsError) as raised:
        section(**keys)
    assert expected in str(raised.value)


def test_all_problems_are_told_at_once():
    with pytest.raises(ParamsError) as raised:
        section(posterior=SPHERE, code_size=1, kl_weight=0.0, reconstruction_weight=0.0)
    assert "circle" in str(raised.value)
    assert "nothing is learned" in str(raised.value)


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"decoder": {"kind": "gaussian", "variance": 0.3}},
        {"decoder": {"kind": "gaussian", "variance": "learned"}},
        {"decoder": {"kind": "discretised_logistic", "levels": 17}},
        {"convolutions": CONVOLUTIONS},
        {"convolutions": CONVOLUTIONS, "widths": []},
        {"posterior": SPHERE},
        {"upper": {"widths": [5], "code_size": 2}},
        {"binarised": True, "importance_samples": 5},
        {"cycles": {"count": 2, "rise": 0.5}, "free_bits": 0.1},
    ],
)
def test_every_declaration_builds_a_network_and_its_loss(keys):
    config = section(**keys)
    torch.manual_seed(0)
    network = construct(model_blueprint(config, (1, 8, 8)))
    x = torch.randint(17, (5, 1, 8, 8), generator=torch.Generator().manual_seed(0)) / 16
    loss = model_loss(config, network, (0.0, 1.0))
    terms = loss(Batch(x, x, torch.empty(0)), torch.Generator().manual_seed(1), 1)
    assert set(terms) == ({"bound"} if config.importance_samples else {"reconstruction", "kl"})
    assert all(torch.isfinite(term) for term in terms.values())


def test_options_reach_the_network():
    x = torch.rand(3, 1, 8, 8)
    sphere = construct(model_blueprint(section(posterior=SPHERE), (1, 8, 8)))
    assert isinstance(sphere.posterior(x), VonMisesFisher)
    two = construct(model_blueprint(section(upper={"widths": [5], "code_size": 2}), (1, 8, 8)))
    assert isinstance(two, TwoLayerVariational)
    assert two.upper_code_size == 2
