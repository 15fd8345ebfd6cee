"""Registered versions by name, used from the command line; signatures of every sort of sample."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from aepipe.__main__ import main
from aepipe.consume.trained import open_packed, pack
from aepipe.data.dataset import Dataset, describe_dataset
from aepipe.errors import ArtifactError, RegistryError
from aepipe.files import digest_files
from aepipe.models.files import Blueprint, construct, save_model
from aepipe.monitor import Silent
from aepipe.registry.synchronise import synchronise

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.filterwarnings("ignore"),  # MLflow's own; none of them is ours to mend
]
ROWS = np.random.default_rng(0).integers(0, 17, (5, 1, 4, 4)).astype(np.uint8)


@pytest.fixture
def registered(make_models, registry) -> None:
    make_models(0)
    synchronise(registry, Path(), Silent())
    np.save("rows.npy", ROWS)


def encode(model: str, output: str) -> int:
    return main(["encode", "--model", model, "--input", "rows.npy", "--output", output])


def test_a_version_and_the_folder_that_it_came_from_give_the_same_codes(registered):
    for number, model in enumerate(
        ("models:/encoder@candidate", "models:/encoder/1", "models/autoencoder")
    ):
        assert encode(model, f"{number}.npy") == 0
    first, second, third = (Path(f"{number}.npy").read_bytes() for number in range(3))
    assert first == second == third


def test_weights_and_checksums_that_were_changed_together_are_refused(registered):
    """As by somebody who can write the files, but not the registry's database."""
    from aepipe.registry.fetch import open_model

    (folder,) = [
        path.parent
        for path in Path("mlruns/artifacts").rglob("checksums.json")
        if json.loads((path.parent / "model" / "model.json").read_text())["kind"] == "deep"
    ]
    path = folder / "model" / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match="not the file that was registered"):
        open_model("models:/encoder@candidate", Path())
    recorded = json.loads((folder / "checksums.json").read_text())
    recorded["files"]["model/weights.safetensors"] = digest_files(folder, [path])
    (folder / "checksums.json").write_text(json.dumps(recorded))
    open_packed(folder)
    with pytest.raises(ArtifactError, match="not the one that the registry knows"):
        open_model("models:/encoder@candidate", Path())


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("models:/encoder", "expected models:/NAME@ALIAS or models:/NAME/VERSION"),
        ("models:/none@candidate", "no such model; there is classifier, encoder, vae"),
        ("models:/encoder@best", "no such version; there is 1; aliases @candidate"),
    ],
)
def test_a_version_that_is_not_there_is_told_in_one_line(registered, where, message):
    from aepipe.registry.fetch import open_model

    with pytest.raises(RegistryError, match=message) as caught:
        open_model(where, Path())
    assert "\n" not in str(caught.value)


SORTS = {
    "an RBM on a table": (
        Blueprint("rbm", {"shape": [6], "code_size": 3, "visible": "gaussian", "hidden":
                          "bernoulli", "variance": 1.0, "values": "means"}),
        (6,),
        {"columns": [*"abcdef"], "value_range": None, "scale": [2.0] * 6, "offset": [0.5] * 6},
    ),
    "an LSTM on series of two channels": (
        Blueprint("lstm", {"shape": [7, 2], "recurrence": {"hidden_size": 4, "layers": 1,
                           "decoder": "conditional", "reversed": True}, "code_size": 3,
                           "reconstruction": "squared"}),
        (7, 2),
        {"value_range": None, "scale": 1.0, "offset": 0.0},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("blueprint", "shape", "facts"), SORTS.values(), ids=SORTS)
def test_any_entry_of_models_has_a_signature_of_any_batch_size(tmp_path, blueprint, shape, facts):
    import mlflow
    import pandas as pd

    from aepipe.registry.publish import save_model as save_for_mlflow

    torch.manual_seed(0)
    save_model(tmp_path / "model", blueprint, construct(blueprint), facts={})
    fixed = {"source": "npz", "digest": "d" * 32, "classes": [], "paired": False}
    describe_dataset(Dataset(folder=tmp_path, counts={"train": 1}, shape=shape, **fixed, **facts))
    pack(tmp_path / "model", tmp_path / "dataset.json", tmp_path / "packed")
    save_for_mlflow("encoder", tmp_path / "packed", tmp_path / "mlflow")
    model = mlflow.pyfunc.load_model(tmp_path / "mlflow")
    (wanted,) = model.metadata.signature.inputs
    assert (wanted.shape, wanted.type) == ((-1, *shape), np.float32)
    assert {each.name: each.shape[1:] for each in model.metadata.signature.outputs} == {
        "codes": (3,), "reconstructions": shape, "anomaly_scores": ()
    }  # fmt: skip
    rows = np.random.default_rng(0).normal(size=(4, *shape))
    for count in (1, 4):
        assert model.predict(rows[:count])["codes"].shape == (count, 3)
    if len(shape) == 1:
        frame = pd.DataFrame(rows, columns=[*"abcdef"])[[*"fedcba"]]
        np.testing.assert_array_equal(
            model.predict(frame)["codes"], model.predict(rows.astype(np.float32))["codes"]
        )
    requirements = (tmp_path / "mlflow" / "requirements.txt").read_text().split()
    assert requirements
    assert all("==" in line for line in requirements)
