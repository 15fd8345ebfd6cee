import pytest

from aepipe.params.gates import Condition
from aepipe.params.load import validate
from aepipe.reporting.gates import (
    Verdict,
    against_champion,
    judge_against_champion,
    judge_bound,
)


def condition(text: str):
    return validate(Condition, text, "here")


@pytest.mark.parametrize(
    ("text", "holds", "because"),
    [
        ("classifier.head_finetuned >= 0.98", True, "0.98 >= 0.98"),
        ("classifier.head_finetuned >= 0.99", False, "0.98 < 0.99"),
        ("autoencoder.squared_error <= 1", False, "1.25 > 1"),
        ("autoencoder.squared_error <= pca.squared_error", True, "1.25 <= 2, with 2 of pca_8"),
        (
            "autoencoder.accuracy_linear >= pca.accuracy_linear + 0.05", False,
            "0.94 < 0.95, with 0.9 of pca_8",
        ),
        (
            "autoencoder.accuracy_linear >= raw.accuracy_linear - 0.01", True,
            "0.94 >= 0.92, with 0.93 of raw",
        ),
        ("autoencoder.ssim >= 0.5", False, "autoencoder.ssim was not measured"),
        ("autoencoder.squared_error <= raw.squared_error", False, "raw.squared_error was not meas"),
        # its codes stand beside no PCA here, so nothing says which one would be fair
        ("classifier.head_finetuned >= pca.accuracy_linear", False, "pca.accuracy_linear was not"),
    ],
)  # fmt: skip
def test_a_figure_is_held_to_a_number_or_a_baseline(metrics, text, holds, because):
    verdict = judge_bound(condition(text), metrics)
    assert (verdict.condition, verdict.holds) == (text, holds)
    assert verdict.because.startswith(because)


CHAMPION = {"value": 0.95, "low": 0.9, "high": 1.0}


@pytest.mark.parametrize(
    ("metric", "value", "champion", "holds"),
    [
        ("classifier.head_finetuned", 0.9, CHAMPION, True),  # on the edge of the interval
        ("classifier.head_finetuned", 0.89, CHAMPION, False),
        ("classifier.head_finetuned", 1.0, CHAMPION, True),
        ("autoencoder.squared_error", 1.0, CHAMPION, True),
        ("autoencoder.squared_error", 1.01, CHAMPION, False),  # errors should fall
        ("autoencoder.squared_error", 0.1, CHAMPION, True),
        ("autoencoder.squared_error", 9.0, None, True),
    ],
)
def test_a_candidate_may_be_worse_than_the_champion_inside_its_interval(
    metric, value, champion, holds
):
    verdict = judge_against_champion("a condition", metric, {"value": value}, champion)
    assert verdict.holds == holds
    if champion is not None:
        assert f"{value:g} is" in verdict.because
        assert "0.9 to 1" in verdict.because


def test_a_figure_that_is_missing_is_no_pass():
    verdict = judge_against_champion("a condition", "a.b", None, CHAMPION)
    assert verdict == Verdict("a condition", holds=False, because="a.b was not measured")


def test_what_the_registry_needs_is_the_figure_with_its_interval(metrics):
    wanted = against_champion(
        condition("autoencoder.squared_error not worse than champion"), metrics
    )
    assert wanted == {
        "condition": "autoencoder.squared_error not worse than champion",
        "metric": "autoencoder.squared_error",
        "figure": {"entry": "autoencoder", "value": 1.25, "low": 1.24, "high": 1.26},
    }
