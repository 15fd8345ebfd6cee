"""What does not fit together in the section of an autoencoder is refused, with the numbers."""

import pytest

from aepipe.errors import ParamsError
from aepipe.params.load import validate
from aepipe.params.models import Autoencoder
from aepipe.params.stack import AutoencoderLayer

TRAINING = {
    "epochs": 3, "batch_size": 16, "learning_rate": 0.01, "schedule": "constant",
    "weight_decay": 0.0, "patience": 3, "precision": "float32",
}  # fmt: skip
SIGMOID = {"kind": "dense", "widths": [], "code_size": 5, "activation": "relu",
           "code_activation": "sigmoid"}  # fmt: skip
CONTRACTIVE = {"kind": "contractive", "weight": 0.1}
HUTCHINSON = {"kind": "contractive_hutchinson", "weight": 0.1, "projections": 1}
HIGHER = {"kind": "contractive_higher_order", "weight": 0.1, "deviation": 0.1, "samples": 1}
KL = {"kind": "kl_sparsity", "weight": 0.1, "target": 0.05}
EMPHASIS = {"corrupted": 1.0, "intact": 0.0}


def model(architecture=SIGMOID, **keys) -> Autoencoder:
    section = {
        "kind": "autoencoder", "architecture": architecture, "reconstruction": "squared",
        "corruption": {"kind": "none"}, "penalties": [], "training": TRAINING, **keys,
    }  # fmt: skip
    return validate(Autoencoder, section, "models.tried")


def layer(**keys) -> AutoencoderLayer:
    section = {
        "kind": "autoencoder", "input": "data/dataset", "units": 8, "activation": "sigmoid",
        "tied": True, "reconstruction": "squared", "corruption": {"kind": "none"},
        "penalties": [], "training": TRAINING, **keys,
    }  # fmt: skip
    return validate(AutoencoderLayer, section, "stack.layers.tried")


def sparse(**keys):
    return {"kind": "k_sparse", "k": 2, "evaluation_k": 3} | keys


DEEP = SIGMOID | {"widths": [9]}
CONVOLUTIONAL = {
    "kind": "convolutional", "channels": [4], "kernel": 3, "stride": 2, "padding": 1,
    "encoder": "strided", "decoder": "resize", "code_size": 4, "activation": "silu",
}  # fmt: skip


@pytest.mark.parametrize(
    ("declare", "expected"),
    [
        (lambda: model(DEEP, penalties=[CONTRACTIVE]),
         "1 sigmoid layer, and this one has 2 with a sigmoid code; use contractive_hutchinson"),
        (lambda: model(SIGMOID | {"code_activation": "relu"}, penalties=[CONTRACTIVE]),
         "has 1 with a relu code; use contractive_hutchinson"),
        (lambda: model(CONVOLUTIONAL, penalties=[CONTRACTIVE]), "use contractive_hutchinson"),
        (lambda: model(penalties=[CONTRACTIVE], sparsity=sparse()),
         "sigmoid code, of which only some count; use contractive_hutchinson"),
        (lambda: layer(activation="tanh", penalties=[CONTRACTIVE]),
         "has 1 with a tanh code; use contractive_hutchinson"),
        (lambda: model(DEEP | {"normalisation": "batch"}, penalties=[HUTCHINSON]),
         "contractive_hutchinson needs codes of samples that do not depend on each other, "
         "and batch normalisation makes them; use layer normalisation, or none"),
        (lambda: model(DEEP | {"normalisation": "batch"}, penalties=[HIGHER]),
         "contractive_higher_order needs codes"),
        (lambda: model(CONVOLUTIONAL | {"batch_norm": True}, penalties=[HUTCHINSON]),
         "and batch normalisation makes them"),
        (lambda: model(DEEP | {"code_activation": "linear"}, penalties=[KL]),
         "kl_sparsity needs units in (0, 1): a code with activation sigmoid, not linear"),
        (lambda: layer(activation="relu", penalties=[KL]), "not relu; or use l1"),
        (lambda: model(penalties=[KL, KL]), "kl_sparsity stands 2 times; add the weights up"),
        (lambda: model(sparsity=sparse(k=6, evaluation_k=7)),
         "k 6 is more than the 5 units of the code"),
        (lambda: model(sparsity=sparse(evaluation_k=7)),
         "evaluation k 7 is more than the 5 units of the code"),
        (lambda: layer(sparsity=sparse(schedule={"start_k": 9, "epochs": 3})),
         "schedule.start_k 9 is more than the 8 units of the code"),
        (lambda: model(sparsity=sparse(evaluation_factor=2.0)),
         "expected exactly one of them"),
        (lambda: model(sparsity={"kind": "k_sparse", "k": 2}),
         "expected exactly one of them"),
        (lambda: model(emphasis=EMPHASIS),
         "corruption 'none' does not; use masking, salt_and_pepper, dropout or block"),
        (lambda: layer(emphasis=EMPHASIS,
                       corruption={"kind": "gaussian", "standard_deviation": 0.1}),
         "corruption 'gaussian' does not"),
        (lambda: model(emphasis={"corrupted": 0.0, "intact": 0.0},
                       corruption={"kind": "masking", "fraction": 0.1}),
         "leave nothing to learn"),
        (lambda: model(DEEP | {"code_size": 9}), "code_size 9 is not below the narrowest width, 9"),
        (lambda: model(DEEP | {"code_size": 10, "capacity": "overcomplete"}),
         "code_size 10 is above the narrowest width, 9"),
        (lambda: model(SIGMOID | {"dropout": 0.5}), "act on hidden layers, and widths is empty"),
        (lambda: model(corruption={"kind": "block", "size": 0.0}), "greater than 0"),
        (lambda: model(corruption={"kind": "dropout", "fraction": 1.0}), "less than 1"),
    ],
)  # fmt: skip
def test_it_is_refused_with_what_to_do_instead(declare, expected):
    with pytest.raises(ParamsError) as raised:
        declare()
    assert expected in str(raised.value)


def test_what_fits_together_is_taken():
    assert model(penalties=[CONTRACTIVE, HIGHER, KL]).penalties[0].kind == "contractive"
    assert layer(penalties=[CONTRACTIVE]).units == 8
    assert model(DEEP, penalties=[HUTCHINSON, KL | {"decay": 0.9}]).code_size == 5
    assert model(DEEP | {"normalisation": "layer"}, penalties=[HIGHER]).code_size == 5
    both = model(sparsity=sparse(), penalties=[HUTCHINSON]).sparsity
    assert both.active_in_evaluation == 3
    assert model(sparsity={"kind": "k_sparse", "k": 2, "evaluation_factor": 1.5}).sparsity.k == 2
