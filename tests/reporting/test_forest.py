"""Differences from PCA as a picture."""

import re
from dataclasses import replace

import pytest

from aepipe.reporting.forest import against_pca, differences


@pytest.fixture
def compared(metrics):
    """Beside the autoencoder, which is better for sure, one that is worse, though not for sure."""
    ours = metrics.against_pca["autoencoder"]
    other = dict(ours, squared_error_difference=0.4, squared_error_low=-0.1,
                 squared_error_high=0.9, squared_error_p_holm=0.5)  # fmt: skip
    return replace(metrics, against_pca={"other": other, "autoencoder": ours})


def test_the_best_is_on_top(compared):
    plot = differences(compared, "squared_error")
    height = {
        name: float(re.search(rf'y="([\d.]+)"[^>]*>{name} \(PCA 8\)', plot)[1])
        for name in ("autoencoder", "other")
    }
    assert height["autoencoder"] < height["other"]  # an SVG's axis points down


def test_what_is_significant_is_coloured_and_full_and_the_rest_hollow(compared):
    plot = differences(compared, "squared_error")
    assert "fill: var(--better)" in plot
    assert "fill: var(--page)" in plot
    assert "var(--worse)" not in plot


def test_errors_are_a_share_of_those_of_pca_and_accuracies_points(compared):
    errors, accuracies = (differences(compared, name) for name in ("squared_error", "linear"))
    ticks = [
        [
            float(t.replace("\N{MINUS SIGN}", "-"))
            for t in re.findall(r">([+\N{MINUS SIGN}]?[\d.]+)<", plot)
        ]
        for plot in (errors, accuracies)
    ]
    assert "in % of PCA" in errors
    assert min(ticks[0]) <= 100 * -0.75 / 2.0 + 10  # a share of PCA's 2.0
    assert max(ticks[0]) >= 100 * 0.4 / 2.0
    assert "in points" in accuracies
    assert 2 <= max(ticks[1]) <= 8  # the difference is 0.04, its interval 0.01 to 0.07


def test_there_is_a_plot_for_each_comparison_that_was_made(compared):
    assert len(against_pca(compared)) == 2
    unlabelled = {
        entry: {k: v for k, v in held.items() if not k.startswith("linear")}
        for entry, held in compared.against_pca.items()
    }
    assert len(against_pca(replace(compared, against_pca=unlabelled))) == 1
    assert against_pca(replace(compared, against_pca={})) == []
