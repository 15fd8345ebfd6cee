"""What the params say of RBMs, and what is refused before anything trains."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from aepipe.errors import ParamsError
from aepipe.params.load import load_params
from aepipe.params.root import unit_range_demands

ROOT = Path(__file__).parents[2]
BITS = {"kind": "bernoulli", "values": "means"}
NORMAL = {"kind": "gaussian", "variance": 1.0}
CD = {"kind": "contrastive_divergence", "steps": 1}


@pytest.fixture
def edited(tmp_path):
    """Write the project's params after a change, and give the path."""

    def write(change):
        raw = YAML(typ="safe").load((ROOT / "params.yaml").read_text())
        change(raw)
        path = tmp_path / "params.yaml"
        with path.open("w") as file:
            YAML().dump(raw, file)
        return path

    return write


def layer(raw, name: str, visible=BITS, hidden="bernoulli") -> None:
    """Put an RBM in the place of a layer of the stack."""
    old = raw["stack"]["layers"][name]
    raw["stack"]["layers"][name] = {
        "kind": "rbm", "input": old["input"], "units": old["units"], "visible": visible,
        "hidden": hidden, "gradient": CD, "training": dict(old["training"]),
    }  # fmt: skip


def belief_network(raw) -> None:
    layer(raw, "first")
    layer(raw, "second")
    layer(raw, "third", hidden="gaussian")


def test_a_deep_belief_network_is_declared_layer_by_layer(edited):
    params = load_params(edited(belief_network))
    assert [each.kind for each in params.stack.layers.values()] == ["rbm"] * 3
    demands = [place for place in unit_range_demands(params) if place.startswith("stack")]
    assert demands == ["stack.layers.first.visible.kind"]


def test_both_kinds_of_layer_may_stand_in_one_stack(edited):
    def mixed(raw):
        layer(raw, "second", visible=NORMAL)

    assert load_params(edited(mixed)).stack.layers["second"].kind == "rbm"


@pytest.mark.parametrize(
    ("below", "says"),
    [("autoencoder", "activation 'relu'; .* or 'sigmoid' there"),
     ("rbm", "hidden 'gaussian'; .* or 'bernoulli' there")],
)  # fmt: skip
def test_bits_over_an_unbounded_code_are_refused(edited, below, says):
    def spoil(raw):
        if below == "rbm":
            layer(raw, "first", hidden="gaussian")
        layer(raw, "second")
        layer(raw, "third")

    message = rf"second\.visible\.kind = 'bernoulli' needs inputs in \[0, 1\].* {says}"
    with pytest.raises(ParamsError, match=message):
        load_params(edited(spoil))


def test_a_squared_error_layer_may_stand_on_either(edited):
    def mixed(raw):
        layer(raw, "first")

    assert load_params(edited(mixed)).stack.layers["second"].reconstruction == "squared"


def test_two_gaussian_layers_of_units_are_refused_as_layer_and_as_model(edited):
    def spoil(raw):
        layer(raw, "third", visible=NORMAL, hidden="gaussian")
        raw["models"]["rbm"] = {
            "kind": "rbm", "code_size": 9, "visible": NORMAL, "hidden": "gaussian",
            "gradient": CD, "training": dict(raw["unroll"]["training"]),
        }  # fmt: skip

    with pytest.raises(ParamsError) as failure:
        load_params(edited(spoil))
    assert str(failure.value).count("are both gaussian") == 2
    assert "stack.layers.third" in str(failure.value)
    assert "models.rbm" in str(failure.value)


def test_bits_on_data_that_are_not_scaled_to_the_unit_range_are_refused(edited):
    def spoil(raw):
        belief_network(raw)
        raw["data"]["scaling"] = "standard"

    with pytest.raises(ParamsError, match=r"first\.visible\.kind = 'bernoulli' needs data in"):
        load_params(edited(spoil))


def test_impossible_numbers_are_named(edited):
    def spoil(raw):
        belief_network(raw)
        raw["stack"]["layers"]["first"]["gradient"] = {
            "kind": "persistent",
            "steps": 0,
            "chains": 0,
        }
        raw["stack"]["layers"]["second"]["visible"] = {"kind": "gaussian", "variance": 0.0}
        raw["evaluate"]["further"]["partition"] = {"chains": 1, "temperatures": 0}

    with pytest.raises(ParamsError) as failure:
        load_params(edited(spoil))
    message = str(failure.value)
    for place in ("gradient.steps", "gradient.chains", "visible.variance",
                  "partition.chains", "partition.temperatures"):  # fmt: skip
        assert place in message
