import re
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aepipe.params.corruption import Masking
from aepipe.params.training import Training
from aepipe.tracking.facts import (
    FILE_BYTES,
    flattened,
    parameters,
    revision_tags,
    safe_key,
    small_files,
    weights_tags,
)


@dataclass(frozen=True)
class Sections:
    seed: int
    training: Training
    conditions: tuple[Masking, ...]


@dataclass(frozen=True)
class Outputs:
    model: Path
    table: Path


def test_sections_become_parameters_with_dotted_keys(call_of):
    training = Training(
        epochs=3,
        batch_size=32,
        learning_rate=0.001,
        schedule="cosine",
        weight_decay=0.0,
        patience=2,
        precision="float32",
    )
    conditions = (Masking(kind="masking", fraction=0.1), Masking(kind="masking", fraction=0.4))
    call = replace(call_of(1), params=Sections(7, training, conditions))
    values = flattened(parameters(call))
    assert values["seed"] == "7"
    assert values["training.learning_rate"] == "0.001"
    assert values["training.schedule"] == "cosine"
    assert values["conditions.1.fraction"] == "0.4"


def test_a_list_of_numbers_is_one_parameter_and_an_empty_section_is_not_lost():
    assert flattened({"widths": [256, 128], "penalties": [], "models": {}, "off": None}) == {
        "widths": "[256, 128]",
        "penalties": "[]",
        "models": "{}",
        "off": "null",
    }


def test_no_parameter_exceeds_what_mlflow_takes():
    values = flattened({"k" * 400: "v" * 9000})
    assert [(len(key), len(value)) for key, value in values.items()] == [(250, 6000)]


@given(st.text(min_size=1))
def test_any_name_becomes_one_that_mlflow_takes(name):
    assert re.fullmatch(r"[\w.\- ]{1,250}", safe_key(name))


@pytest.fixture
def outputs(alone) -> Outputs:
    model = alone / ".model.partial"
    (model / "finetuned").mkdir(parents=True)
    (model / "finetuned" / "history.json").write_text("[]")
    (model / "finetuned" / "weights.safetensors").write_bytes(b"weights")
    (model / "large.json").write_text(" " * (FILE_BYTES + 1))
    return Outputs(model, alone / "absent")


def test_small_json_files_are_named_by_their_output_not_by_its_temporary_path(outputs):
    assert small_files(outputs) == {"model/finetuned/history.json": "[]"}


def test_networks_are_known_by_their_checksum_and_other_outputs_have_none(outputs):
    before = weights_tags(outputs)
    (outputs.model / "finetuned" / "history.json").write_text("[1]")
    assert weights_tags(outputs) == before
    (outputs.model / "finetuned" / "weights.safetensors").write_bytes(b"others")
    assert weights_tags(outputs) != before
    assert weights_tags(Outputs(outputs.table, outputs.model)) == {}


def test_revision_is_dirty_only_by_what_the_pipeline_does_not_write_itself(alone):
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(alone)]
    subprocess.run([*git, "init", "--quiet"], check=True)
    for name in ("params.yaml", "dvc.lock"):
        (alone / name).write_text("1")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "--quiet", "-m", "first"], check=True)
    (alone / "dvc.lock").write_text("2")
    clean = revision_tags(alone)
    assert re.fullmatch(r"[0-9a-f]{40}", clean["aepipe.git_revision"])
    assert clean["aepipe.git_dirty"] == "false"
    (alone / "params.yaml").write_text("2")
    assert revision_tags(alone)["aepipe.git_dirty"] == "true"


def test_outside_git_there_is_no_revision(alone):
    assert revision_tags(alone) == {}
