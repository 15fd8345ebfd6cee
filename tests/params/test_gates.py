from pathlib import Path

import pytest
from ruamel.yaml import YAML

from aepipe.errors import ParamsError
from aepipe.params.gates import Bound, Condition, NotWorseThanChampion
from aepipe.params.load import load_params, read_yaml, validate

ROOT = Path(__file__).parents[2]


def condition(raw):
    return validate(Condition, raw, "here")


@pytest.mark.parametrize(
    ("text", "section"),
    [
        ("a.b >= 0.95", Bound(kind="at_least", metric="a.b", value=0.95)),
        ("a.b<=-1e-3", Bound(kind="at_most", metric="a.b", value=-0.001)),
        (
            "a.b >= pca.c + 0.01",
            Bound(kind="at_least", metric="a.b", baseline="pca.c", margin=0.01),
        ),
        ("a.b <= pca.c - .5", Bound(kind="at_most", metric="a.b", baseline="pca.c", margin=-0.5)),
        ("a.b <= pca.c", Bound(kind="at_most", metric="a.b", baseline="pca.c")),
        (
            "a.robust_accuracy_masking_0.25 >= 0.5",
            Bound(kind="at_least", metric="a.robust_accuracy_masking_0.25", value=0.5),
        ),
        (
            " a.b  not worse than champion ",
            NotWorseThanChampion(kind="not_worse_than_champion", metric="a.b"),
        ),
    ],
)
def test_a_line_of_text_is_a_section_and_a_section_a_line(text, section):
    assert condition(text) == section
    assert condition(section.model_dump(exclude_none=True)) == section
    assert condition(str(section)) == section


@pytest.mark.parametrize(
    "text",
    [
        "a.b > 1",
        "a >= 1",
        "a.b >= ",
        "a.b >= c.d * 2",
        "not worse than champion",
        "a.b >= 1 + c.d",
        "",
    ],
)
def test_a_line_that_is_no_condition_is_refused_with_what_is(text):
    with pytest.raises(ParamsError, match=r"is no condition; expected `ENTRY\.FIGURE >= NUMBER`"):
        condition(text)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ({"kind": "at_least", "metric": "a.b"}, "either value or baseline is expected"),
        ({"kind": "at_most", "metric": "a.b", "value": 1.0, "baseline": "c.d"}, "either value or"),
        ({"kind": "at_most", "metric": "a.b", "value": 1.0, "margin": 1.0}, "there is none"),
        ({"kind": "at_leest", "metric": "a.b", "value": 1.0}, "unknown kind; expected one of"),
    ],
)
def test_a_section_that_says_too_little_or_too_much_is_refused(raw, problem):
    with pytest.raises(ParamsError, match=problem):
        condition(raw)


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("gates", {"other": []}, r"registry\.gates\.other: no such model; expected one of aepipe-"),
        (
            "gates", {"aepipe-vae": ["vae.squared_eror <= 3"]},
            r"registry\.gates\.aepipe-vae\.0: vae\.squared_eror: .* did you mean 'squared_error'\?",
        ),
        (
            "gates", {"aepipe-vae": ["pca.squared_error <= 3"]},
            "a figure of models/pca, and the model is models/vae; expected a figure of vae",
        ),
        (
            "gates", {"aepipe-vae": ["vae.squared_error <= none.squared_error"]},
            "nothing is evaluated as 'none'; there is raw, pca",
        ),
        (
            "gates", {"aepipe-classifier": ["classifier.squared_error <= 3"]},
            "no figure 'squared_error' of classifier is measured",
        ),
        (
            "gates", {"aepipe-vae": ["vae.robust_accuracy_block_0.5 >= 0.5"]},
            "no figure 'robust_accuracy_block_0.5' of vae is measured",
        ),
        ("alias", "champion", "moves by gates and rollbacks alone; choose another"),
        (
            "models", {"aepipe-vae": {"kind": "encoder", "model": "models/classifier"}},
            "can't be registered as encoder; expected models/autoencoder or models/vae or models/c",
        ),
        (
            "models", {"aepipe-vae": {"kind": "vae", "model": "models/k_sparse"}},
            "'models/k_sparse': can't be registered as vae; expected models/vae$",
        ),
    ],
)  # fmt: skip
def test_the_registry_section_is_held_against_all_that_is_declared(tmp_path, key, value, problem):
    raw = read_yaml(ROOT / "params.yaml")
    raw["registry"] |= {"gates": {}, key: value}
    path = tmp_path / "params.yaml"
    YAML().dump(raw, path)
    with pytest.raises(ParamsError, match=problem):
        load_params(path)


def test_any_entry_of_models_can_be_registered_and_gated(tmp_path):
    raw = read_yaml(ROOT / "params.yaml")
    raw["registry"]["models"]["sparse"] = {"kind": "encoder", "model": "models/k_sparse"}
    gates = ["k_sparse.squared_error <= pca_24.squared_error"]
    gates += ["k_sparse.robust_accuracy_masking_0.1 >= raw.accuracy_linear - 0.5"]
    raw["registry"]["gates"]["sparse"] = gates
    path = tmp_path / "params.yaml"
    YAML().dump(raw, path)
    assert [str(each) for each in load_params(path).registry.gates["sparse"]] == gates
