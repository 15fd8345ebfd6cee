import json
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from aepipe.params.schema import params_schema

RAW = YAML(typ="safe").load((Path(__file__).parents[2] / "params.yaml").read_text())
SCHEMA = params_schema()


def test_schema_is_valid_itself_and_accepts_the_projects_params():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(RAW, SCHEMA)


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw.update(sed=1),
        lambda raw: raw["vae"].update(code_size=0),
        lambda raw: raw["vae"]["training"].pop("epochs"),
        lambda raw: raw["data"]["source"].update(kind="digit"),
    ],
)
def test_schema_refuses_what_the_types_refuse(change):
    raw = json.loads(json.dumps(RAW))
    change(raw)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(raw, SCHEMA)


def test_every_section_explains_itself():
    sections = {name: one for name, one in SCHEMA["$defs"].items() if one.get("type") == "object"}
    assert len(sections) > 20
    assert [name for name, one in sections.items() if not one.get("description")] == []
