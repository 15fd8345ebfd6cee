"""A comparison of three representations, small enough to check by eye."""

from copy import deepcopy

import pytest

from aepipe.reporting.metrics import Metrics

CONTENT = {
    "test": {"samples": 200, "confidence": 0.95, "comparisons": 5},
    "representations": {
        "raw": {"code_size": 64, "accuracy_linear": 0.93, "accuracy_random_forest": 0.95},
        "pca_8": {
            "code_size": 8, "squared_error": 2.0, "accuracy_linear": 0.9,
            "accuracy_random_forest": 0.91, "robust_accuracy_masking_0.25": 0.7,
            "robust_squared_error_masking_0.25": 3.0,
        },
        "autoencoder": {
            "code_size": 8, "squared_error": 1.25, "accuracy_linear": 0.94,
            "accuracy_random_forest": 0.93, "robust_accuracy_masking_0.25": 0.8,
            "robust_squared_error_masking_0.25": 2.0,
        },
        "classifier": {"code_size": 8, "head_finetuned": 0.98, "head_control": 0.96},
    },
    "against_pca": {
        "autoencoder": {
            "pca": "pca_8",
            "squared_error_difference": -0.75, "squared_error_low": -0.9,
            "squared_error_high": -0.6, "squared_error_p_value": 0.0004,
            "squared_error_p_holm": 0.002,
            "linear_difference": 0.04, "linear_low": 0.01, "linear_high": 0.07,
            "linear_p_value": 0.03, "linear_p_holm": 0.09,
        },
    },
    "against_best": {
        "raw": {
            "linear_best": "autoencoder",
            "linear_difference": -0.01, "linear_low": -0.04, "linear_high": 0.02,
            "linear_p_value": 0.5, "linear_p_holm": 1.0,
        },
    },
    "absent": {},
    "heads": {
        "classifier": {
            "raw": "random_forest",
            "control_difference": 0.02, "control_low": 0.0, "control_high": 0.04,
            "control_p_value": 0.2, "control_p_holm": 0.4,
            "raw_difference": 0.03, "raw_low": 0.01, "raw_high": 0.05,
            "raw_p_value": 0.0001, "raw_p_holm": 0.0005,
        },
    },
}  # fmt: skip


@pytest.fixture
def metrics() -> Metrics:
    content = deepcopy(CONTENT)
    content["intervals"] = {
        entry: {
            name: {"low": value - 0.01, "high": value + 0.01}
            for name, value in held.items()
            if name != "code_size"
        }
        for entry, held in content["representations"].items()
    }
    return Metrics(**content)
