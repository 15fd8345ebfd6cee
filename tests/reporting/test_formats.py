"""How figures are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aepipe.reporting import formats


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("code_size", 24, "24"),
        ("accuracy_linear", 0.9666, "0.967"),
        ("squared_error", 13.8662, "13.87"),
        ("squared_error", 0.314466, "0.3145"),
        ("squared_error", 0.00123456, "0.001235"),
        ("squared_error", 123456.0, "123456"),
        ("squared_error", 0.0, "0"),
        ("psnr", 22.3584, "22.4"),
        ("explained_variance", -0.25, "\N{MINUS SIGN}0.250"),
        ("linear_p_holm", 0.0004, "< 0.001"),
        ("linear_p_value", 0.0214, "0.021"),
        ("geometry_dead_units", 9, "9"),
        ("likelihood_active_units", 13.5, "13.5"),
        ("likelihood_log_likelihood", -89.1234, "\N{MINUS SIGN}89.12"),
        ("generation_frechet_distance", 16.3201, "16.32"),
        ("cross_entropy", 71.2345, "71.23"),
    ],
)
def test_each_metric_has_its_own_precision(name, value, text):
    assert formats.metric(name, value) == text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("linear_difference", 0.0166, "+0.017"),
        ("linear_difference", -0.0166, "\N{MINUS SIGN}0.017"),
        ("linear_difference", -0.0001, "0.000"),
        ("squared_error_difference", -0.05736, "\N{MINUS SIGN}0.0574"),
        ("squared_error_difference", 0.0, "0"),
    ],
)
def test_a_difference_has_its_sign_unless_it_is_written_as_nothing(name, value, text):
    assert formats.difference(name, value) == text


@given(st.floats(1e-4, 9.9e6))
def test_an_error_is_written_to_four_significant_digits_without_an_exponent(value):
    text = formats.metric("squared_error", value)
    assert "e" not in text
    assert float(text) == pytest.approx(value, rel=5.1e-4)


def test_names_of_entries_and_probes_are_words():
    assert formats.label("raw") == "raw features"
    assert formats.label("pca_24") == "PCA 24"
    assert formats.label("k_sparse") == "k sparse"
    assert formats.label("pca_like") == "pca like"
    assert formats.probe("finetuned") == "fine-tuned head"
    assert formats.probe("support_vectors") == "support vectors"


def test_less_error_and_more_accuracy_are_better():
    assert formats.is_better("squared_error", -0.1)
    assert not formats.is_better("squared_error", 0.1)
    assert formats.is_better("linear", 0.1)
