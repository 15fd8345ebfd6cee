"""What every plot has in common."""

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aepipe.reporting.curves import robustness, training
from aepipe.reporting.plots import accuracies, explained_variance, tradeoff
from aepipe.reporting.style import VARIABLES, looks, spread

HISTORY = [{"epoch": n, "train_total": 9 / n, "valid_total": 10 / n + n / 9} for n in range(1, 9)]


@pytest.fixture
def plots(metrics):
    return [
        tradeoff(metrics),
        accuracies(metrics),
        robustness(metrics, "masking", [0.25], "accuracy"),
        robustness(metrics, "masking", [0.25], "squared_error"),
        training("stack, layer first", HISTORY),
        training("vae", HISTORY[:1]),
        explained_variance(np.linspace(1, 0, 64), [8, 16]),
    ]


def test_plots_take_their_colours_from_the_page(plots):
    for plot in plots:
        assert not [colour for colour in VARIABLES if colour in plot]
        assert not re.findall(r"#[0-9a-f]{6}", plot)
        assert "var(--" in plot


def test_plots_say_what_they_show_and_share_no_identifier(plots):
    identifiers = [name for plot in plots for name in re.findall(r' id="([^"]+)"', plot)]
    assert len(identifiers) == len(set(identifiers)) > 10
    for plot in plots:
        assert re.match(r'<svg viewBox="[\d. ]+" role="img" aria-label="[^"]+"', plot)
        used = set(re.findall(r'(?:href="|url\()#([^")]+)', plot))
        assert used <= set(re.findall(r' id="([^"]+)"', plot))


def test_plots_keep_their_text_and_hold_no_font_of_their_own(plots):
    assert "autoencoder" in plots[0]
    assert "random forest" in plots[1]
    assert not [plot for plot in plots if "font-family" in plot or "DejaVu" in plot]


def test_names_are_escaped():
    plot = training('a<b>&"c"', HISTORY)
    assert "a<b>" not in plot
    assert "a&lt;b&gt;&amp;" in plot


def test_models_differ_in_colour_or_dashes_and_all_in_marker():
    entries = ["raw", "pca_8", "pca_16", *(f"model_{n}" for n in range(7))]
    given_looks = looks(entries)
    models = [(given_looks[e].colour, str(given_looks[e].dashes)) for e in entries[3:]]
    assert len(set(models)) == 7
    assert len({look.marker for look in given_looks.values()}) == 10


@given(st.lists(st.floats(0, 10), min_size=1, max_size=12), st.floats(0.01, 3))
def test_labels_are_apart_in_order_and_within_the_plot(wanted, gap):
    placed = spread(wanted, gap, 0, 10)
    assert all(-1e-9 <= position <= 10 + 1e-9 for position in placed)
    order = sorted(range(len(wanted)), key=lambda place: wanted[place])
    ranked = [placed[place] for place in order]
    least = min(gap, 10 / max(1, len(wanted) - 1))
    assert all(b - a >= least - 1e-9 for a, b in pairwise(ranked))


def test_a_crowd_of_labels_stays_centred_on_what_it_labels():
    assert spread([5.0, 5.0, 5.0], 1, 0, 10) == [4, 5, 6]
    assert spread([5.0, 9.0], 1, 0, 10) == [5, 9]
