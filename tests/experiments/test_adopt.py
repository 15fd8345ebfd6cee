"""The winner of a sweep in params.yaml: an entry more, and nothing else changed."""

from pathlib import Path

import pytest

from aepipe.errors import ParamsError
from aepipe.experiments.adopt import adopt
from aepipe.params.load import load_params, read_yaml
from aepipe.params.members import settings
from aepipe.sweeps.overlay import overlay

ROOT = Path(__file__).parents[2]
WHOLE = load_params(ROOT / "params.yaml")
SWEEP = WHOLE.sweep["denoising"]
TRIED = settings("denoising", SWEEP, WHOLE.seed)


@pytest.fixture
def place(tmp_path) -> Path:
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    text = overlay("denoising", TRIED, 5, SWEEP.choose)
    (tmp_path / "winner.yaml").write_text(text)
    return tmp_path


def test_winner_becomes_an_entry_and_every_other_line_stays(place):
    before = (place / "params.yaml").read_text().splitlines()
    adopt(place / "params.yaml", place / "winner.yaml", "denoising")

    after = load_params(place / "params.yaml")
    assert after.models["denoising"] == TRIED[5].model
    assert after == WHOLE.model_copy(update={"models": after.models})
    assert list(after.models) == ["denoising", *WHOLE.models]
    lines = (place / "params.yaml").read_text().splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("models:")) + 1
    assert lines[:start] + lines[start + len(lines) - len(before) :] == before


def test_models_may_have_been_empty(place):
    text = (place / "params.yaml").read_text()
    start = text.index("\nmodels:") + 1
    end = text.index("\nsweep:")
    (place / "params.yaml").write_text(text[:start] + "models: {} # none yet\n" + text[end:])
    adopt(place / "params.yaml", place / "winner.yaml", "denoising")
    assert list(load_params(place / "params.yaml").models) == ["denoising"]


def test_entry_of_that_name_is_not_written_over(place):
    adopt(place / "params.yaml", place / "winner.yaml", "denoising")
    once = (place / "params.yaml").read_bytes()
    with pytest.raises(ParamsError, match=r"models\.denoising is there already"):
        adopt(place / "params.yaml", place / "winner.yaml", "denoising")
    assert (place / "params.yaml").read_bytes() == once


def test_models_in_another_form_are_left_alone(place):
    raw = read_yaml(place / "params.yaml")
    raw["models"] = {}
    (place / "params.yaml").write_text(str(raw).replace("None", "null").replace("True", "true"))
    before = (place / "params.yaml").read_bytes()
    with pytest.raises(ParamsError, match=r"add the entry of .* by hand"):
        adopt(place / "params.yaml", place / "winner.yaml", "denoising")
    assert (place / "params.yaml").read_bytes() == before


def test_sweep_that_has_not_run_is_named_with_its_command(place):
    with pytest.raises(ParamsError, match="`dvc repro sweep@denoising` makes it"):
        adopt(place / "params.yaml", place / "missing.yaml", "denoising")
