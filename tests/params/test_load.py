import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from aepipe.errors import ParamsError
from aepipe.params.load import load_params, read_yaml, validate
from aepipe.params.training import Training

ROOT = Path(__file__).parents[2]
GOOD = (ROOT / "params.yaml").read_text()


@pytest.fixture
def edited(tmp_path):
    """Write the project's params after a change, and give the path."""

    def write(change):
        raw = YAML(typ="safe").load(GOOD)
        change(raw)
        path = tmp_path / "params.yaml"
        with path.open("w") as file:
            YAML().dump(raw, file)
        return path

    return write


def problems(path: Path) -> list[str]:
    """What is found wrong, a line for each problem, the first line apart."""
    with pytest.raises(ParamsError) as failure:
        load_params(path)
    first, *lines = str(failure.value).split("\n  ")
    count = f"{len(lines)} problem" + ("s" if len(lines) > 1 else "")
    assert first == f"{path}: {count}"
    assert failure.value.exit_code == 2
    return lines


def test_the_projects_own_params_are_right():
    params = load_params(ROOT / "params.yaml")
    assert list(params.stack.layers) == ["first", "second", "third"]
    assert len(params.models) >= 2


def test_every_mistake_is_listed_at_once_with_its_place_and_a_suggestion(edited):
    def spoil(raw):
        raw["sed"] = raw.pop("seed")
        raw["stack"]["layers"]["first"]["unit"] = raw["stack"]["layers"]["first"].pop("units")
        raw["data"]["source"] = {"kind": "digit"}
        raw["vae"]["decoder"]["kind"] = "gausian"
        raw["finetune"]["dropout"] = 1.0
        raw["models"]["k_sparse"]["architecture"]["code_sise"] = 3
        raw["evaluate"]["probes"]["random_forest"]["trees"] = "many"
        del raw["unroll"]["training"]["epochs"]

    lines = problems(edited(spoil))
    assert len(lines) == 10
    assert "sed: unknown key, did you mean 'seed'?" in lines
    assert "seed: missing" in lines
    assert "stack.layers.first.unit: unknown key, did you mean 'units'?" in lines
    assert "stack.layers.first.units: missing" in lines
    assert "unroll.training.epochs: missing" in lines
    assert "models.k_sparse.architecture.code_sise: unknown key, did you mean 'code_size'?" in lines
    text = "\n".join(lines)
    assert re.search(
        r"^data\.source\.kind = 'digit': unknown kind; expected one of .*'digits'", text, re.M
    )
    assert re.search(r"^vae\.decoder\.kind = 'gausian': unknown kind; expected one of", text, re.M)
    assert re.search(r"^finetune\.dropout = 1\.0: expected less than 1", text, re.M)
    assert re.search(r"^evaluate\.probes\.random_forest\.trees = 'many': ", text, re.M)


def test_a_key_like_no_other_is_shown_what_is_known(edited):
    (line,) = problems(edited(lambda raw: raw["vae"].update(zzz=1)))
    assert line.startswith("vae.zzz: unknown key; known here: activation, binarised, code_size")


def test_numbers_are_read_as_dvc_reads_them(tmp_path):
    """PyYAML takes 1e-3 for a string; DVC's parser, and this one, for a number."""
    path = tmp_path / "params.yaml"
    text, count = re.subn(r"kl_weight: \S+", "kl_weight: 1e-3", GOOD)
    assert count == 1
    path.write_text(text)
    weight = load_params(path).vae.kl_weight
    assert isinstance(weight, float)
    assert weight == 0.001


@pytest.mark.parametrize(
    ("key", "value"), [("epochs", "3"), ("epochs", 3.5), ("epochs", True), ("patience", None)]
)
def test_no_value_is_bent_into_the_type_that_is_wanted(key, value, edited):
    (line,) = problems(edited(lambda raw: raw["vae"]["training"].update({key: value})))
    assert line.startswith(f"vae.training.{key} = {value!r}: expected a valid integer")


def test_a_layer_whose_input_names_no_stage_is_refused(edited):
    change = {"input": "models/stack/sekond"}
    (line,) = problems(edited(lambda raw: raw["stack"]["layers"]["third"].update(change)))
    assert line == (
        "stack.layers.third.input = 'models/stack/sekond': is no stage; "
        "expected 'models/stack/second'"
    )


def test_a_layer_that_skips_the_one_below_is_refused(edited):
    change = {"input": "models/stack/first"}
    (line,) = problems(edited(lambda raw: raw["stack"]["layers"]["third"].update(change)))
    assert line.endswith("is not the layer below; expected 'models/stack/second'")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda raw: raw["models"].update(vae=raw["models"].pop("k_sparse")),
            "models.vae: the name belongs to the pipeline itself; choose another",
        ),
        (
            lambda raw: raw["models"].update(Big=raw["models"].pop("k_sparse")),
            "models.Big",
        ),
        (
            lambda raw: raw["evaluate"]["representations"].update(stack="models/stak"),
            "evaluate.representations.stack = 'models/stak': is no stage's output; expected one of",
        ),
        (
            lambda raw: raw["registry"]["models"]["aepipe-vae"].update(model="models/k_sparse"),
            "registry.models.aepipe-vae.model = 'models/k_sparse': can't be registered as vae; "
            "expected models/vae",
        ),
        (
            lambda raw: raw["registry"]["models"]["aepipe-encoder"].update(model="models/none"),
            "registry.models.aepipe-encoder.model = 'models/none': can't be registered as encoder; "
            "expected models/autoencoder or models/vae or models/convolutional or models/k_sparse",
        ),
        (
            lambda raw: raw["unroll"].update(corruption={"kind": "pairs"}),
            "unroll.corruption: kind pairs needs data.source.kind pairs, not 'digits'",
        ),
        (
            lambda raw: raw["stack"]["layers"].update(
                first=raw["stack"]["layers"]["first"] | {"activation": "tanh"},
                second=raw["stack"]["layers"]["second"] | {"reconstruction": "bernoulli"},
            ),
            "stack.layers.second.reconstruction = 'bernoulli' needs inputs in [0, 1]",
        ),
        (
            lambda raw: raw["data"]["splits"].update(valid=0.5, test=0.5),
            "data.splits: valid 0.5 + test 0.5 leave nothing to train on",
        ),
        (
            lambda raw: raw["models"]["k_sparse"]["sparsity"].update(k=200),
            "models.k_sparse.sparsity: evaluation k 400 is more than the 256 units of the code",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused(change, expected, edited):
    lines = problems(edited(change))
    assert any(line.startswith(expected) for line in lines), lines


def test_scaling_without_bounds_is_refused_wherever_bernoulli_needs_them(edited):
    def change(raw):
        raw["data"]["scaling"] = "standard"
        raw["vae"]["decoder"] = {"kind": "bernoulli"}
        raw["stack"]["layers"]["first"]["reconstruction"] = "bernoulli"

    lines = problems(edited(change))
    places = [line.split(" = ")[0] for line in lines]
    assert {"stack.layers.first.reconstruction", "vae.decoder.kind"} <= set(places)
    assert all("needs data in [0, 1], so data.scaling range" in line for line in lines)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("seed: [1", "not valid YAML"),
        ("seed: 1\nseed: 2\n", "not valid YAML"),
        ("", "1 problem"),
        ("- 1\n", "1 problem"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused(text, expected, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(ParamsError, match=expected):
        load_params(path)


def test_a_missing_or_unreadable_file_is_refused(tmp_path):
    with pytest.raises(ParamsError, match=r"absent\.yaml: no such file; run from"):
        read_yaml(tmp_path / "absent.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ParamsError, match=r"bytes\.yaml: cannot be read as text"):
        read_yaml(tmp_path / "bytes.yaml")


def test_a_single_section_is_checked_with_the_same_words():
    with pytest.raises(ParamsError, match=r"^here: \d problems\n") as failure:
        validate(Training, {"epochs": 0}, "here")
    assert "epochs = 0: expected greater than 0" in str(failure.value)
    assert "patience: missing" in str(failure.value)


def test_params_never_change():
    params = load_params(ROOT / "params.yaml")
    with pytest.raises(ValueError, match="frozen"):
        params.vae.code_size = 3


def test_a_seed_counts_nothing_and_may_be_large(tmp_path):
    text = (ROOT / "params.yaml").read_text().replace("seed: 20061", f"seed: {2**62}", 1)
    (tmp_path / "params.yaml").write_text(text)
    assert load_params(tmp_path / "params.yaml").seed == 2**62
