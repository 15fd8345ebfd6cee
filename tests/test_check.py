"""`aepipe check`: everything is looked at, every problem is told at once, nothing is run."""

import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from aepipe.check import check
from aepipe.data.contracts import read_table, write_table
from aepipe.errors import AepipeError, ParamsError
from aepipe.models.build import model_blueprint
from aepipe.models.files import construct
from aepipe.monitor import Silent
from aepipe.params.load import load_params
from aepipe.stages import ingest

ROOT = Path(__file__).parents[1]


class Heard:
    """Keeps what is remarked."""

    def __init__(self):
        self.lines = []

    def remark(self, text):
        self.lines.append(text)


@pytest.fixture
def declare(tmp_path, monkeypatch):
    """Write the repository's own params with some of them changed, and work beside them."""
    monkeypatch.chdir(tmp_path)

    def write(**changes):
        raw = YAML(typ="safe").load((ROOT / "params.yaml").read_text())
        for path, value in changes.items():
            *keys, last = path.split("__")
            place = raw
            for key in keys:
                place = place[key]
            place[last] = value
        with Path("params.yaml").open("w") as file:
            YAML().dump(raw, file)
        return Path("params.yaml")

    return write


def found(path):
    """What check says: remarks, and the lines of its error."""
    heard = Heard()
    try:
        check(path, heard)
    except AepipeError as error:
        return heard.lines, str(error).splitlines()
    return heard.lines, []


def test_the_repositorys_own_params_are_in_order(declare):
    lines, problems = found(declare())
    assert problems == []
    assert lines[0] == "params.yaml: 13 sections, 3 layers, 2 models ... ok"
    assert any("(1, 8, 8), 10 classes, train 1257, valid 180, test 360 ... ok" in s for s in lines)
    assert "data/dataset: not made yet" in lines


def test_nothing_is_written_and_torch_stays_out(declare):
    declare()
    before = sorted(Path().rglob("*"))
    program = (
        "import sys\nfrom pathlib import Path\nfrom aepipe.check import check\n"
        "from aepipe.monitor import Silent\ncheck(Path('params.yaml'), Silent())\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )
    assert done.stdout.strip() == "False"
    assert sorted(Path().rglob("*")) == before


def test_wrong_params_are_all_listed_and_said_to_stop_the_rest(declare):
    path = declare(data__scaling="rnage", vae__code_size="8")
    with pytest.raises(ParamsError, match=r"(?s)2 problems.*scaling.*code_size.*nothing else was"):
        check(path, Silent())


def test_a_missing_source_is_told_with_what_was_expected(declare):
    _, problems = found(declare(data__source={"kind": "idx", "folder": "nowhere"}))
    assert problems[0] == "1 problem"
    assert "nowhere: no such folder" in problems[1]


def test_damage_in_the_first_sample_is_found(declare):
    source = {"kind": "folder", "path": "all", "height": 8, "width": 8, "channels": 1}
    for name in ("cat/1.png", "cat/2.png", "cat/3.png"):
        (Path("all") / name).parent.mkdir(parents=True, exist_ok=True)
        (Path("all") / name).write_bytes(b"no image")
    _, problems = found(declare(data__source=source))
    assert "all/cat/1.png: not a readable image" in problems[1]


def table(columns, rows=60):
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(rows, columns)))
    frame.columns = [f"f{number}" for number in range(columns)]
    frame.assign(label=np.arange(rows) % 3).to_csv("table.csv", index=False)
    roles = {"label": "label", "group": None, "split": None, "ignore": []}
    return {"kind": "csv", "path": "table.csv"} | roles


def test_all_that_a_source_cannot_give_is_told_at_once_with_numbers(declare):
    neighbours = {"evaluate__probes__nearest_neighbours__neighbours": [1, 42, 43]}
    path = declare(data__source=table(5), **neighbours)
    _, problems = found(path)
    text = "\n".join(problems)
    assert (
        "models.convolutional.architecture on samples of table.csv, (5,): convolutional needs"
        in text
    )
    assert "stack.layers.first.reconstruction = 'bernoulli' needs values in [0, 1]" in text
    assert "models.convolutional.reconstruction = 'bernoulli'" in text
    assert (
        "corruption.conditions.5 = 'salt_and_pepper' needs a smallest and a largest value" in text
    )
    assert "neighbours: 42 is" not in text
    assert "neighbours: 43 is more than the 42 labelled training samples of table.csv" in text
    assert problems[0] == f"{len(problems) - 1} problems"


@pytest.mark.parametrize("times", [1, 2, 3, 4])
def test_an_image_is_too_small_exactly_where_the_model_says_so(declare, times):
    for side in (2 ** (times - 1), 2 ** (times - 1) + 1):
        pixels = np.random.default_rng(0).integers(0, 256, (60, side, side + 3), dtype=np.uint8)
        np.savez("a.npz", x=pixels, y=np.arange(60) % 3)
        source = {"kind": "npz", "path": "a.npz", "features": "x", "labels": "y"}
        path = declare(
            data__source=source | {"test_features": None, "test_labels": None},
            models__convolutional__architecture__channels=[4] * times,
        )
        _, problems = found(path)
        text = "\n".join(problems)
        expected = f"samples of a.npz, {(1, side, side + 3)}: layer {times}: stride 2 cannot narrow"
        assert (expected in text) == (side == 2 ** (times - 1))
        plan = model_blueprint(load_params(path).models["convolutional"], (1, side, side + 3))
        refused = "stride" in text
        with pytest.raises(ValueError, match="stride") if refused else nullcontext():
            construct(plan)


def test_a_transposed_decoder_that_cannot_give_the_image_back_is_refused(declare):
    path = declare(
        models__convolutional__architecture__encoder="pooled",
        models__convolutional__architecture__decoder="transposed",
        models__convolutional__architecture__stride=3,
        models__convolutional__architecture__channels=[4],
    )
    _, problems = found(path)
    assert "(2 - 1) x 3 - 2 x 1 + 3 = 4 pixels of 2" in "\n".join(problems)
    assert "and 8 are wanted; use decoder resize" in "\n".join(problems)


def test_data_without_labels_are_taken_with_a_note(declare):
    pixels = np.random.default_rng(0).integers(0, 256, (60, 8, 8), dtype=np.uint8)
    np.savez("a.npz", x=pixels)
    source = {"kind": "npz", "path": "a.npz", "features": "x", "labels": None}
    lines, problems = found(
        declare(data__source=source | {"test_features": None, "test_labels": None})
    )
    assert problems == []
    assert any("a.npz: no labels" in line and "no classifier" in line for line in lines)


def test_training_on_some_classes_is_outlined_and_one_class_noted(declare):
    lines, problems = found(declare(data__train_on=[3, 5]))
    assert problems == []
    assert any("(1, 8, 8), 10 classes, train 256, valid 36, test 360 ... ok" in s for s in lines)
    lines, _ = found(declare(data__train_on=["3"]))
    assert any("of one class, so no accuracies and no classifier" in line for line in lines)
    _, problems = found(declare(data__train_on=["three"]))
    assert "data.train_on names 'three'; expected some of its classes" in problems[1]


def test_normal_classes_and_numbers_to_retrieve_are_held_against_the_data(declare):
    anomaly = {
        "normal": [3, "three"], "positive": "normal", "error": "squared",
        "threshold": {"kind": "quantile", "level": 0.9},
    }  # fmt: skip
    retrieval = {"at": [1, 1257, 1258]}
    _, problems = found(declare(evaluate__further={"anomaly": anomaly, "retrieval": retrieval}))
    text = "\n".join(problems)
    assert problems[0] == "2 problems"
    assert "evaluate.further.anomaly.normal names 'three'; classes of digits are '0', '1'" in text
    assert (
        "evaluate.further.retrieval.at: 1258 is more than the 1257 labelled training samples"
        in text
    )


def test_declared_bounds_make_bernoulli_and_salt_possible_on_numbers(declare):
    np.savez("a.npz", x=np.random.default_rng(0).random((60, 1, 8, 8)), y=np.arange(60) % 3)
    source = {"kind": "npz", "path": "a.npz", "features": "x", "labels": "y"}
    source |= {"test_features": None, "test_labels": None}
    _, problems = found(declare(data__source=source))
    assert any("salt_and_pepper" in line for line in problems)
    _, problems = found(declare(data__source=source | {"bounds": [0, 1]}))
    assert problems == []


def test_a_variant_of_a_dataset_to_be_downloaded_downloads_nothing(declare):
    of = {"kind": "torchvision", "name": "MNIST", "folder": "downloads", "download": True}
    source = {"kind": "variant", "of": of, "rotation": True, "background": "none"}
    sizes = {"train": 10_000, "valid": 2_000, "test": 50_000}
    lines, _ = found(declare(data__source=source | sizes))
    assert any("train 10000, valid 2000, test 50000" in line for line in lines)
    assert not Path("downloads").exists()


@pytest.mark.parametrize("kind", ["linear", "dense"])
def test_a_code_wider_than_an_undercomplete_one_may_be_is_refused_with_the_numbers(declare, kind):
    free = {"kind": "dense", "widths": [], "code_size": 64, "activation": "relu"}
    tied = {"kind": "linear", "code_size": 64, "tied": True}
    architecture = free if kind == "dense" else tied
    lines, problems = found(declare(models__k_sparse__architecture=architecture))
    assert problems[1].strip() == (
        "models.k_sparse.architecture.code_size: 64 is not below the 64 features of digits, which "
        "capacity undercomplete asks for; lower it, or declare capacity overcomplete"
    )
    wide = architecture | {"capacity": "overcomplete"}
    lines, problems = found(declare(models__k_sparse__architecture=wide))
    assert problems == []
    assert any("a code of 64 for 64 features is not" in line for line in lines)


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ({"penalties": [{"kind": "contractive", "weight": 0.1}]}, "use contractive_hutchinson"),
        ({"sparsity": {"kind": "k_sparse", "k": 300, "evaluation_k": 256}}, "k 300 is more than"),
    ],
)
def test_what_an_autoencoder_cannot_have_is_refused_before_anything_trains(
    declare, section, expected
):
    changes = {f"models__k_sparse__{key}": value for key, value in section.items()}
    with pytest.raises(ParamsError) as raised:
        check(declare(**changes), Silent())
    assert expected in str(raised.value)


@pytest.mark.parametrize("name", ["MNIST", "CIFAR10"])
def test_a_dataset_to_be_downloaded_is_known_without_downloading_it(declare, name):
    source = {"kind": "torchvision", "name": name, "folder": "downloads", "download": True}
    lines, problems = found(declare(data__source=source))
    assert problems == []
    assert any("10 classes" in line and "test 10000" in line for line in lines)
    assert not Path("downloads").exists()


def test_a_dataset_that_may_not_be_downloaded_has_to_be_there(declare):
    source = {"kind": "torchvision", "name": "MNIST", "folder": "downloads", "download": False}
    _, problems = found(declare(data__source=source))
    assert "downloads: no MNIST; expected it there" in problems[1]


@pytest.fixture
def made(declare):
    """Ingest the digits, and lay down the other two kinds of tables."""
    path = declare()
    params = load_params(path)
    outputs = ingest.Outputs(Path("data/dataset"))
    ingest.run(ingest.Params(params.seed, params.data), ingest.Inputs(), outputs, Silent())
    Path("data/corrupted").mkdir()
    conditions = pd.DataFrame(
        {
            "condition": ["masking_0.5"],
            "split": ["test"],
            "kind": ["masking"],
            "declared": [0.5],
            "realised": [0.5003],
            "components": [23_040],
        }
    )
    write_table(Path("data/corrupted/conditions.parquet"), conditions)
    Path("reports/evaluation/raw").mkdir(parents=True)
    predictions = pd.DataFrame(
        {"entry": ["raw"], "id": ["000001"], "label": [1], "squared_error": [np.nan]}
    )
    write_table(Path("reports/evaluation/raw/samples.parquet"), predictions)
    return path


def test_tables_on_disk_are_held_against_their_contracts(made):
    lines, problems = found(made)
    assert problems == []
    assert "data/dataset: 1797 samples ... ok" in lines
    assert "data/corrupted: 1 conditions ... ok" in lines
    assert "reports/evaluation/raw: 1 predictions ... ok" in lines


def test_broken_tables_are_all_told_at_once(made):
    samples = read_table(Path("data/dataset/samples.parquet"))
    write_table(Path("data/dataset/samples.parquet"), samples.assign(label=-9))
    conditions = read_table(Path("data/corrupted/conditions.parquet"))
    write_table(Path("data/corrupted/conditions.parquet"), conditions.assign(realised=0.4))
    Path("reports/evaluation/raw/samples.parquet").write_bytes(b"no table")
    _, problems = found(made)
    text = "\n".join(problems)
    assert problems[0] == "3 problems"
    assert "samples.parquet: breaks the contract Samples" in text
    assert "1797 failures" in text
    assert "conditions.parquet: breaks the contract Conditions" in text
    assert "raw/samples.parquet: not a readable table" in text


def test_features_that_do_not_match_their_table_are_told(made):
    samples = read_table(Path("data/dataset/samples.parquet"))
    write_table(Path("data/dataset/samples.parquet"), samples[:-1])
    _, problems = found(made)
    assert (
        "data/dataset: test: 360 samples in features, 359 listed in samples.parquet" in problems[1]
    )


def test_a_copy_across_splits_is_told(made):
    samples = read_table(Path("data/dataset/samples.parquet"))
    samples.loc[len(samples) - 1, "digest"] = samples.loc[0, "digest"]
    write_table(Path("data/dataset/samples.parquet"), samples)
    _, problems = found(made)
    assert "same content in two splits" in problems[1]


def test_a_discretised_decoder_has_to_have_as_many_levels_as_the_pixels(declare):
    decoder = {"kind": "discretised_logistic", "levels": 256}
    _, problems = found(declare(vae__decoder=decoder))
    assert "vae.decoder.levels: 256, and digits has values from 0 to 16; expected 17" in problems[1]
    _, problems = found(declare(vae__decoder=decoder | {"levels": 17}))
    assert problems == []


def test_a_discretised_decoder_needs_whole_numbers_in_the_unit_range(declare, tmp_path):
    decoder = {"kind": "discretised_logistic", "levels": 17}
    _, problems = found(declare(vae__decoder=decoder, data__scaling="standard"))
    assert any(
        "vae.decoder.kind = 'discretised_logistic' needs whole numbers" in p for p in problems
    )
    np.savez(tmp_path / "a.npz", features=np.random.default_rng(0).random((40, 64)))
    source = {
        "kind": "npz", "path": "a.npz", "features": "features", "labels": None,
        "test_features": None, "test_labels": None, "bounds": [0.0, 1.0],
    }  # fmt: skip
    _, problems = found(declare(vae__decoder=decoder, data__source=source, models={}))
    assert any("'discretised_logistic' needs whole numbers between bounds" in p for p in problems)


def test_convolutions_of_a_vae_are_tried_on_the_samples_shape(declare):
    convolutions = {
        "channels": [4, 4, 4, 4, 4], "kernel": 3, "stride": 2, "padding": 1, "encoder": "strided",
        "decoder": "resize", "activation": "silu",
    }  # fmt: skip
    _, problems = found(declare(vae__convolutions=convolutions))
    assert "vae.convolutions on samples of digits, (1, 8, 8): layer" in problems[1]
