from pathlib import Path

import pytest

from aepipe.registry.card import model_card
from aepipe.registry.described import read_registered
from aepipe.registry.provenance import trace
from aepipe.registry.versions import shortened

LOCK = """
schema: '2.0'
stages:
  ingest: {cmd: x, outs: [{path: data/dataset, md5: d.dir}]}
  unroll:
    cmd: x
    deps: [{path: data/dataset, md5: d.dir}]
    outs: [{path: models/autoencoder, md5: f.dir}]
"""

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def cards(make_models, registry) -> dict[str, str]:
    make_models(0)
    Path("dvc.lock").write_text(LOCK)
    described = read_registered(Path("reports/registered.json"), registry, Path())
    return {model.kind: model_card(model, trace(model, "cpu")) for model in described}


def test_a_card_gives_data_figures_with_intervals_baselines_use_and_limits(cards):
    card = cards["encoder"]
    headings = [line for line in card.splitlines() if line.startswith("#")]
    assert headings == [
        "# encoder", "## Data", "## Figures", "## Use", "## Limits", "## Origin",
    ]  # fmt: skip
    assert "Samples of shape 1 x 4 x 4 (16 features), 3 to train on, 3 to choose with," in card
    assert "Classes: cat, dog, hen." in card
    assert "| deep | this model | PCA 3 | raw features |" in card
    assert "| squared error | 1.500 (1.300 to 1.700) | 2.500 | - |" in card
    assert "| accuracy linear | 0.500 | - | - |" in card
    assert "with\n95 % intervals" in card
    assert "- `unroll`: `models/autoencoder` f.dir" in card
    assert 'load_model("models:/encoder@candidate")' in card
    assert "(n, 1, 4, 4) float32" in card


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("encoder", "A squared error has no unit"),
        ("classifier", "Its probabilities were not\n  calibrated"),
        ("vae", "New samples resemble the training data"),
    ],
)
def test_each_kind_has_its_own_limits(cards, kind, said):
    assert said in cards[kind]
    assert "{" not in cards[kind].replace("{{", "")
    assert "\n\n\n" not in cards[kind]


def test_a_model_that_was_not_evaluated_says_so(cards):
    assert "None: the model is not among what was evaluated." in cards["vae"]
    assert "`dvc.lock` knew no stage behind it" in cards["vae"]


def test_equal_models_have_equal_cards(cards, make_models, registry):
    described = read_registered(Path("reports/registered.json"), registry, Path())
    for model in described:
        assert model_card(model, trace(model, "cpu")) == cards[model.kind]


def test_a_card_that_is_too_long_for_the_registry_is_cut_at_a_line(cards):
    assert shortened(cards["encoder"]) == cards["encoder"]
    cut = shortened("a line\n" * 2000)
    assert len(cut) <= 5000
    assert cut.endswith("a line\n\n(more in README.md among the model's files)")
