from pathlib import Path

import pytest
from ruamel.yaml import YAML

from aepipe.errors import ParamsError
from aepipe.experiments.overrides import overridden

PARAMS = Path(__file__).parents[2] / "params.yaml"


def read(text: str):
    return YAML(typ="safe").load(text)


def test_only_what_is_overridden_changes():
    before, after = read(PARAMS.read_text()), read(overridden(PARAMS, {"vae.code_size": 8}))
    assert before["vae"]["code_size"] != 8
    before["vae"]["code_size"] = 8
    assert after == before
    assert list(after) == list(before)  # a reader finds everything where it was


def test_an_item_of_a_list_is_named_by_its_place():
    after = read(overridden(PARAMS, {"corruption.conditions.1.fraction": 0.3}))
    assert after["corruption"]["conditions"][1]["fraction"] == 0.3


def test_a_new_entry_can_be_put_where_names_are_free():
    model = read(PARAMS.read_text())["models"]["k_sparse"]
    assert read(overridden(PARAMS, {"models.another": model}))["models"]["another"] == model


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        ({"vae.code_size": "8"}, "vae.code_size = '8': expected a valid integer"),
        ({"vae.code_sise": 8}, "vae.code_sise: unknown key, did you mean 'code_size'?"),
        ({"vea.code_size": 8}, "vea.code_size: no 'vea' in the file; there is seed, data,"),
        ({"vae.widths.x": 8}, "vae.widths.x: vae.widths has no 'x'"),
        ({"vae.widths.7": 8}, "vae.widths.7: vae.widths has no '7'"),
        ({"seed.x.y": 8}, "seed.x.y: no 'x' in seed; it has no keys"),
        ({"seed": -1}, "seed = -1: expected greater than or equal to 0"),
    ],
)
def test_a_wrong_override_is_refused_by_its_key(overrides, sentence):
    with pytest.raises(ParamsError) as failure:
        overridden(PARAMS, overrides)
    assert sentence in str(failure.value)


def test_every_key_that_leads_nowhere_is_named():
    with pytest.raises(ParamsError, match=r"overrides: 2 wrong\n  a\.b: .*\n  c\.d: "):
        overridden(PARAMS, {"a.b": 1, "c.d": 2})
