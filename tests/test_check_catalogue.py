"""Declarations that cannot be trained: each refused by `aepipe check`, with the numbers.

Every entry of `mistakes.yaml` is one mistake in params that are otherwise in order. The message has
to name its key, say what came and what was expected, and say what to do.
"""

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from aepipe.check import check
from aepipe.errors import AepipeError
from aepipe.monitor import Silent

TESTS = Path(__file__).parent
PARAMS = YAML(typ="safe").load((TESTS.parent / "params.yaml").read_text())
TABLE = YAML(typ="safe").load((TESTS / "mistakes.yaml").read_text())
ENTRIES, MISTAKES = TABLE["entries"], TABLE["mistakes"]
DATA = ("digits", "flat", "one", "table", "float images", "odd images")
ONLY = "\n  nothing else was checked, for it depends on these"


def source(data: str) -> dict[str, Any]:
    """Make the data of that name; give what the rest of the params has to be with them."""
    rng = np.random.default_rng(0)
    label = np.arange(60) % 3
    unbounded = {
        "models": {},
        "sweep": {},
        "stack.layers.first.reconstruction": "squared",
        "corruption.conditions": [{"kind": "masking", "fraction": 0.1}],
    }
    arrays = {
        "flat": rng.normal(size=(60, 5)),
        "one": rng.normal(size=(60, 1)),
        "float images": rng.normal(size=(60, 8, 8)),
        "odd images": rng.integers(0, 256, (60, 7, 9), dtype=np.uint8),
    }
    if data == "digits":
        return {"models": {}, "sweep": {}}
    if data == "table":
        frame = pd.DataFrame(arrays["flat"], columns=list("abcde"))
        frame.assign(label=label).to_csv("table.csv", index=False)
        roles = {"label": "label", "group": None, "split": None, "ignore": []}
        return {**unbounded, "data.source": {"kind": "csv", "path": "table.csv", **roles}}
    path = f"{data.split()[0]}.npz"
    np.savez(path, x=arrays[data], y=label)
    names = {"features": "x", "labels": "y", "test_features": None, "test_labels": None}
    return {**unbounded, "data.source": {"kind": "npz", "path": path, **names}}


def changed(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Put values at key paths of a copy; none of it shared, for YAML would write aliases."""
    whole = deepcopy(dict(base))
    for path, value in changes.items():
        *keys, last = path.split(".")
        place = whole
        for key in keys:
            place = place[key]
        place[last] = deepcopy(value)
    return whole


def declare(data: str, mistake: Mapping[str, Any]) -> Path:
    """Write params.yaml with that one mistake into the working directory."""
    entry = mistake.get("entry")
    tried = {} if entry is None else {"tried": changed(ENTRIES[entry], mistake.get("change", {}))}
    surroundings = {**source(data), "models": tried}
    with Path("params.yaml").open("w") as file:
        YAML().dump(changed(changed(PARAMS, surroundings), mistake.get("params", {})), file)
    return Path("params.yaml")


def refusal(path: Path) -> list[str]:
    """The problems that check finds; none where all is in order."""
    try:
        check(path, Silent())
    except AepipeError as error:
        return [line.strip() for line in str(error).removesuffix(ONLY).splitlines()[1:]]
    return []


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("data", DATA)
def test_the_params_around_each_mistake_are_in_order(data):
    assert refusal(declare(data, {})) == []


@pytest.mark.parametrize("entry", ENTRIES)
def test_what_each_mistake_starts_from_is_in_order(entry):
    assert refusal(declare("digits", {"entry": entry})) == []


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake["mistake"])
def test_it_is_refused_with_the_numbers_and_what_to_do(mistake):
    path = declare(mistake.get("data", "digits"), mistake)
    before = sorted(Path().rglob("*"))
    found, expected = refusal(path), mistake["says"]
    assert found == ([expected] if isinstance(expected, str) else expected)
    for line in found:
        assert any(word in line for word in ("; ", "expected", "did you mean")), "what to do"
        assert not any(word in line for word in ("Input should", "validation", "pydantic"))
    assert sorted(Path().rglob("*")) == before, "something was made"
