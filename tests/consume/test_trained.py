"""Models in folders: opened whole and unchanged, or not at all."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from aepipe.consume.trained import FILES, open_packed, open_trained
from aepipe.errors import ArtifactError
from aepipe.models.absent import write_absence


def test_a_registered_version_needs_nothing_beside_its_folder(packed, tmp_path):
    folder = packed("encoder")
    shutil.move(folder, tmp_path / "artifacts")
    (tmp_path / "MLmodel").touch()
    assert open_trained(tmp_path, Path("nowhere")).dataset.shape == (1, 4, 4)


def test_a_folder_of_the_pipeline_needs_the_dataset_beside_it(packed, tmp_path):
    packed("encoder")
    model = open_trained(tmp_path / "made" / "model", tmp_path / "made" / "dataset")
    assert model.dataset.classes == ["cat", "dog", "hen"]


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_which_one_bit_was_changed_is_refused(packed, name):
    folder = packed("encoder")
    content = bytearray((folder / name).read_bytes())
    content[-3] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(ArtifactError, match=r"not the file that was registered; restore it"):
        open_packed(folder)


@pytest.mark.parametrize("name", [*FILES, "checksums.json"])
def test_a_file_that_is_missing_is_refused(packed, name):
    folder = packed("encoder")
    (folder / name).unlink()
    with pytest.raises(ArtifactError, match=name):
        open_packed(folder)


def test_checksums_of_less_than_all_files_are_refused(packed):
    folder = packed("encoder")
    recorded = json.loads((folder / "checksums.json").read_text())
    del recorded["files"]["model/weights.safetensors"]
    (folder / "checksums.json").write_text(json.dumps(recorded))
    with pytest.raises(ArtifactError, match="expected None"):
        open_packed(folder)


def test_a_folder_without_a_model_says_what_it_may_be(tmp_path):
    with pytest.raises(ArtifactError, match="expected models:/NAME@ALIAS"):
        open_trained(tmp_path, tmp_path)
    write_absence(tmp_path, "no training sample has a label")
    with pytest.raises(ArtifactError, match="no training sample has a label"):
        open_trained(tmp_path, tmp_path)


def test_weights_are_three_lines_of_plain_torch_away(packed):
    """As docs/consumers.md says."""
    weights = load_file(packed("encoder") / "model" / "weights.safetensors")
    encoder = torch.nn.Sequential(torch.nn.Linear(16, 6), torch.nn.ReLU(), torch.nn.Linear(6, 3))
    encoder.load_state_dict(
        {k.removeprefix("encoder."): v for k, v in weights.items() if k[0] == "e"}
    )
    model = open_packed(packed("encoder"))
    rows = torch.rand(4, 16)
    torch.testing.assert_close(encoder(rows), model.network.encode(rows))
