"""Declarations that cannot be trained: each refused by `aepipe check`, with the numbers.

Every case is one mistake in params that are otherwise in order. The message has to name its key,
say what came and what was expected, and say what to do; words of the libraries stay out of it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
PARAMS = YAML(typ="safe").load((ROOT / "params.yaml").read_text())
TRAINING = {
    "epochs": 60, "batch_size": 32, "learning_rate": 0.002, "schedule": "cosine",
    "weight_decay": 0.0, "patience": 20, "precision": "float32",
}  # fmt: skip
DENSE = {"kind": "dense", "widths": [32], "code_size": 8, "activation": "relu"}
ONE_LAYER = {
    "kind": "dense", "widths": [], "code_size": 8, "activation": "relu",
    "code_activation": "sigmoid",
}  # fmt: skip
CONVOLUTIONAL = {
    "kind": "convolutional", "channels": [4, 8], "kernel": 3, "stride": 2, "padding": 1,
    "encoder": "strided", "decoder": "resize", "code_size": 8, "activation": "relu",
}  # fmt: skip
AUTOENCODER = {
    "kind": "autoencoder", "architecture": DENSE, "reconstruction": "squared",
    "corruption": {"kind": "none"}, "penalties": [], "training": TRAINING,
}  # fmt: skip
VARIATIONAL = {
    "kind": "variational", "widths": [32], "code_size": 8, "activation": "silu",
    "decoder": {"kind": "gaussian", "variance": "learned"}, "kl_weight": 1.0,
    "warmup_epochs": 10, "training": TRAINING,
}  # fmt: skip
RBM = {
    "kind": "rbm", "code_size": 8, "visible": {"kind": "bernoulli", "binarise": False},
    "hidden": "bernoulli", "gradient": {"kind": "contrastive_divergence", "steps": 1},
    "training": TRAINING,
}  # fmt: skip
SEMI_ADVERSARIAL = {
    "kind": "semi_adversarial", "architecture": DENSE, "reconstruction": "squared",
    "keep": {"even": ["0", "2", "4", "6", "8"], "odd": ["1", "3", "5", "7", "9"]},
    "hide": {"small": ["0", "1", "2", "3", "4"], "large": ["5", "6", "7", "8", "9"]},
    "hiding": "other", "weights": {"reconstruction": 1.0, "keep": 1.0, "hide": 1.0},
    "classifiers": {"widths": [8], "activation": "relu", "dropout": 0.1, "training": TRAINING},
    "training": TRAINING,
}  # fmt: skip


def autoencoder(**changes: Any) -> dict[str, Any]:
    """An entry of models:, with keys of the architecture where it has them."""
    return {"models.tried": {**AUTOENCODER, **changes}}


def dense(**changes: Any) -> dict[str, Any]:
    return autoencoder(architecture={**DENSE, **changes})


def convolutional(**changes: Any) -> dict[str, Any]:
    return autoencoder(architecture={**CONVOLUTIONAL, **changes})


def penalised(kind: str, architecture: dict[str, Any] = DENSE, **changes: Any) -> dict[str, Any]:
    penalty = {"kind": kind, "weight": 0.1, **changes}
    return autoencoder(architecture=architecture, penalties=[penalty])


def variational(**changes: Any) -> dict[str, Any]:
    return {"models.tried": {**VARIATIONAL, **changes}}


def rbm(**changes: Any) -> dict[str, Any]:
    return {"models.tried": {**RBM, **changes}}


def private(**changes: Any) -> dict[str, Any]:
    return {"models.tried": {**SEMI_ADVERSARIAL, **changes}}


def probe(**changes: Any) -> dict[str, Any]:
    return {"evaluate.probes.others": {"mine": changes}}


@dataclass(frozen=True)
class Source:
    """Data, and what the rest of the params has to be with them."""

    changes: dict[str, Any]


def npz(path: str, x: np.ndarray, classes: int = 3) -> dict[str, Any]:
    if not Path(path).exists():
        np.savez(path, x=x, y=np.arange(len(x)) % classes)
    return {
        "kind": "npz", "path": path, "features": "x", "labels": "y", "test_features": None,
        "test_labels": None,
    }  # fmt: skip


def source(name: str) -> dict[str, Any]:
    """Data of that name, and what the rest of the params has to be with them."""
    rng = np.random.default_rng(0)
    unbounded = {
        "stack.layers.first.reconstruction": "squared",
        "corruption.conditions": [{"kind": "masking", "fraction": 0.1}],
        "models": {},
        "evaluate.probes.nearest_neighbours.neighbours": [1],
    }
    match name:
        case "digits":
            return {"models": {}}
        case "flat":  # a table of 5 features, without bounds
            return {"data.source": npz("flat.npz", rng.normal(size=(60, 5))), **unbounded}
        case "float images":
            return {"data.source": npz("float.npz", rng.normal(size=(60, 8, 8))), **unbounded}
        case "odd images":  # 7 x 9 pixels of 8 bits
            pixels = rng.integers(0, 256, (60, 7, 9), dtype=np.uint8)
            return {"data.source": npz("odd.npz", pixels), **unbounded}
        case _:
            raise ValueError(name)


CASES: dict[str, tuple[str, dict[str, Any], str]] = {
    # name: data, what is declared, what the message says
    # --- dense
    "a code wider than undercomplete allows": ("flat", dense(code_size=7), "X"),
    "a code as wide as the narrowest layer": ("digits", dense(widths=[32, 8]), "X"),
    "an overcomplete code that is narrower": (
        "digits",
        dense(widths=[64], code_size=24, capacity="overcomplete"),
        "X",
    ),
    "linear above the features": (
        "flat",
        autoencoder(architecture={"kind": "linear", "code_size": 6, "tied": True}),
        "X",
    ),
    "overcomplete, narrow hidden": (
        "digits",
        dense(widths=[80], code_size=90, capacity="overcomplete"),
        "X",
    ),
    "dropout without hidden layers": ("digits", dense(widths=[], dropout=0.2), "X"),
    "dropout of all": ("digits", dense(dropout=1.0), "X"),
    "zero width": ("digits", dense(widths=[32, 0]), "X"),
    "absolute typo": ("digits", autoencoder(reconstruction="absolut"), "X"),
    # --- penalties
    "contractive on a deep": ("digits", penalised("contractive"), "X"),
    "contractive on relu": (
        "digits",
        penalised("contractive", {**ONE_LAYER, "code_activation": "relu"}),
        "X",
    ),
    "contractive on convolutional": ("digits", penalised("contractive", CONVOLUTIONAL), "X"),
    "contractive on sparse": (
        "digits",
        {
            "models.tried": {
                **AUTOENCODER,
                "architecture": ONE_LAYER,
                "penalties": [{"kind": "contractive", "weight": 0.1}],
                "sparsity": {"kind": "k_sparse", "k": 3, "evaluation_factor": 1.0},
            }
        },
        "X",
    ),
    "kl on linear": ("digits", penalised("kl_sparsity", target=0.05), "X"),
    "kl on stack relu": (
        "digits",
        {"stack.layers.first.penalties": [{"kind": "kl_sparsity", "weight": 0.1, "target": 0.1}]},
        "X",
    ),
    "kl target 1": ("digits", penalised("kl_sparsity", ONE_LAYER, target=1.0), "X"),
    "contractive in the stack on relu": (
        "digits",
        {"stack.layers.first.penalties": [{"kind": "contractive", "weight": 0.1}]},
        "X",
    ),
    "penalty twice": (
        "digits",
        autoencoder(penalties=[{"kind": "l1", "weight": 0.1}, {"kind": "l1", "weight": 0.2}]),
        "X",
    ),
    "negative weight": ("digits", penalised("l1", weight=-1.0), "X"),
    "hutchinson on batch norm": (
        "digits",
        penalised("contractive_hutchinson", {**DENSE, "normalisation": "batch"}, projections=1),
        "X",
    ),
    "hutchinson on conv batch norm": (
        "digits",
        penalised("contractive_hutchinson", {**CONVOLUTIONAL, "batch_norm": True}, projections=1),
        "X",
    ),
    "unknown penalty": ("digits", penalised("contractve"), "X"),
    # --- sparsity
    "k above": (
        "digits",
        autoencoder(sparsity={"kind": "k_sparse", "k": 9, "evaluation_factor": 1.0}),
        "X",
    ),
    "evaluation k above": (
        "digits",
        autoencoder(sparsity={"kind": "k_sparse", "k": 3, "evaluation_k": 12}),
        "X",
    ),
    "factor above": (
        "digits",
        autoencoder(sparsity={"kind": "k_sparse", "k": 5, "evaluation_factor": 2.0}),
        "X",
    ),
    "start k": (
        "digits",
        autoencoder(
            sparsity={
                "kind": "k_sparse",
                "k": 5,
                "evaluation_factor": 1.0,
                "schedule": {"start_k": 10, "epochs": 3},
            }
        ),
        "X",
    ),
    "both evals": (
        "digits",
        autoencoder(
            sparsity={"kind": "k_sparse", "k": 5, "evaluation_factor": 1.0, "evaluation_k": 5}
        ),
        "X",
    ),
    "schedule longer": (
        "digits",
        autoencoder(
            sparsity={
                "kind": "k_sparse",
                "k": 5,
                "evaluation_factor": 1.0,
                "schedule": {"start_k": 8, "epochs": 100},
            }
        ),
        "X",
    ),
    "layer k above": (
        "digits",
        {"stack.layers.first.sparsity": {"kind": "k_sparse", "k": 300, "evaluation_factor": 1.0}},
        "X",
    ),
    # --- corruption
    "block on flat": ("flat", autoencoder(corruption={"kind": "block", "size": 0.5}), "X"),
    "block in upper layer": (
        "digits",
        {"stack.layers.second.corruption": {"kind": "block", "size": 0.5}},
        "X",
    ),
    "block condition on flat": (
        "flat",
        {"corruption.conditions": [{"kind": "block", "size": 0.5}]},
        "X",
    ),
    "fraction 1.5": ("digits", autoencoder(corruption={"kind": "masking", "fraction": 1.5}), "X"),
    "emphasis on none": ("digits", autoencoder(emphasis={"corrupted": 1.0, "intact": 0.0}), "X"),
    "emphasis 0 0": (
        "digits",
        autoencoder(
            corruption={"kind": "masking", "fraction": 0.5},
            emphasis={"corrupted": 0.0, "intact": 0.0},
        ),
        "X",
    ),
    "salt on unbounded": (
        "flat",
        autoencoder(
            architecture={**DENSE, "code_size": 3},
            corruption={"kind": "salt_and_pepper", "fraction": 0.5},
        ),
        "X",
    ),
    "salt above relu layer": (
        "digits",
        {"stack.layers.second.corruption": {"kind": "salt_and_pepper", "fraction": 0.5}},
        "X",
    ),
    "pairs without": ("digits", autoencoder(corruption={"kind": "pairs"}), "X"),
    "fixed condition": (
        "digits",
        {"corruption.conditions": [{"kind": "masking", "fraction": 0.5, "drawn": "fixed"}]},
        "X",
    ),
    # --- convolutional
    "conv on flat": ("flat", convolutional(), "X"),
    "kernel too large": ("digits", convolutional(kernel=13, padding=1), "X"),
    "stride above kernel": ("digits", convolutional(stride=4), "X"),
    "padding": ("digits", convolutional(padding=3), "X"),
    "too many": ("digits", convolutional(channels=[4] * 5), "X"),
    "odd transposed": (
        "odd images",
        convolutional(decoder="transposed", kernel=5, stride=3, padding=0),
        "X",
    ),
    "no channels": ("digits", convolutional(channels=[]), "X"),
    "batch norm 1x1": ("digits", convolutional(channels=[4] * 3, batch_norm=True), "X"),
    # --- bernoulli
    "bernoulli ae unbounded": (
        "flat",
        {
            "models.tried": {
                **AUTOENCODER,
                "architecture": {**DENSE, "code_size": 3},
                "reconstruction": "bernoulli",
            }
        },
        "X",
    ),
    "bernoulli vae unbounded": ("float images", variational(decoder={"kind": "bernoulli"}), "X"),
    "bernoulli rbm": ("float images", rbm(), "X"),
    "bernoulli semi": (
        "float images",
        private(
            reconstruction="bernoulli",
            keep={"a": ["0"], "b": ["1", "2"]},
            hide={"a": ["0", "1"], "b": ["2"]},
        ),
        "X",
    ),
    "bernoulli standard scaling": (
        "digits",
        {
            "data.scaling": "standard",
            "stack.layers.first.reconstruction": "squared",
            **variational(decoder={"kind": "bernoulli"}),
        },
        "X",
    ),
    "bernoulli rbm standard scaling": (
        "digits",
        {"data.scaling": "standard", "stack.layers.first.reconstruction": "squared", **rbm()},
        "X",
    ),
    "discretised on floats": (
        "float images",
        variational(decoder={"kind": "discretised_logistic", "levels": 256}),
        "X",
    ),
    "discretised levels": (
        "odd images",
        variational(decoder={"kind": "discretised_logistic", "levels": 17}),
        "X",
    ),
    "discretised scaling": (
        "digits",
        {
            "data.scaling": "none",
            "stack.layers.first.reconstruction": "squared",
            **variational(decoder={"kind": "discretised_logistic", "levels": 17}),
        },
        "X",
    ),
    # --- variational
    "svae 1": ("digits", variational(code_size=1, posterior={"kind": "von_mises_fisher"}), "X"),
    "svae upper": (
        "digits",
        variational(posterior={"kind": "von_mises_fisher"}, upper={"widths": [8], "code_size": 2}),
        "X",
    ),
    "warmup longer": ("digits", variational(warmup_epochs=100), "X"),
    "cycles": ("digits", variational(warmup_epochs=0, cycles={"count": 40, "rise": 0.5}), "X"),
    "cycles and warm": ("digits", variational(cycles={"count": 4, "rise": 0.5}), "X"),
    "iwae kl": ("digits", variational(importance_samples=5, warmup_epochs=0, kl_weight=2.0), "X"),
    "iwae 1": ("digits", variational(importance_samples=1, warmup_epochs=0), "X"),
    "binarised gaussian": ("digits", variational(binarised=True), "X"),
    "nothing weighted": ("digits", variational(kl_weight=0.0, reconstruction_weight=0.0), "X"),
    "vae conv flat": (
        "flat",
        variational(
            convolutions={
                "channels": [4],
                "kernel": 3,
                "stride": 2,
                "padding": 1,
                "encoder": "strided",
                "decoder": "resize",
                "activation": "relu",
            }
        ),
        "X",
    ),
    "upper wider": ("digits", variational(upper={"widths": [8], "code_size": 20}), "X"),
    "free bits negative": ("digits", variational(free_bits=-1.0), "X"),
    # --- energy
    "two gaussians": (
        "digits",
        rbm(visible={"kind": "gaussian", "variance": 1.0}, hidden="gaussian"),
        "X",
    ),
    "rbm steps": ("digits", rbm(gradient={"kind": "contrastive_divergence", "steps": 0}), "X"),
    "rbm above relu": (
        "digits",
        {
            "stack.layers.second": {
                **{k: v for k, v in RBM.items() if k != "code_size"},
                "units": 8,
                "input": "models/stack/first",
            }
        },
        "X",
    ),
    # --- privacy
    "privacy flat classes": ("flat", private(architecture={**DENSE, "code_size": 3}), "X"),
    "privacy missing class": (
        "digits",
        private(hide={"small": ["0", "1"], "large": ["5", "6", "7", "8", "9"]}),
        "X",
    ),
    "privacy same": ("digits", private(hide=SEMI_ADVERSARIAL["keep"]), "X"),
    "privacy three": (
        "digits",
        private(hide={"a": ["0", "1", "2"], "b": ["3", "4", "5"], "c": ["6", "7", "8", "9"]}),
        "X",
    ),
    # --- evaluation
    "no classifier": ("digits", probe(estimator="GausianNB"), "X"),
    "neighbours": ("flat", {"evaluate.probes.nearest_neighbours.neighbours": [50]}, "X"),
    "no probes": ("digits", {"evaluate.probes": {"rows": 5}}, "X"),
    "linear typo": ("digits", {"evaluate.probes.linear": {"inverse_penalty": [1.0]}}, "X"),
    # --- training, stack, names
    "patience 0": ("digits", {"unroll.training.patience": 0}, "X"),
    "reserved": ("digits", {"models.pca": AUTOENCODER}, "X"),
    "wrong input": ("digits", {"stack.layers.second.input": "data/dataset"}, "X"),
    "bernoulli above relu": ("digits", {"stack.layers.second.reconstruction": "bernoulli"}, "X"),
    "typo kind": ("digits", {"models.tried": {**AUTOENCODER, "kind": "autoencodr"}}, "X"),
    "typo arch key": ("digits", dense(width=[3]), "X"),
    "capital name": ("digits", {"models.Tried": AUTOENCODER}, "X"),
    "generate dims": ("digits", {"generate.traversal_dimensions": 40}, "X"),
    "generate recon": ("digits", {"generate.reconstructions": 400}, "X"),
    "old k_sparse": (
        "digits",
        autoencoder(
            architecture={"kind": "k_sparse", "code_size": 256, "k": 16, "evaluation_factor": 2.0}
        ),
        "X",
    ),
}
