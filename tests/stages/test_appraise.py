"""What a network generates, judged in a space of features."""

import json

import numpy as np
import pytest
import torch

from aepipe.errors import ArtifactError, ParamsError
from aepipe.models.absent import absence, write_absence
from aepipe.models.files import Blueprint, construct, save_model
from aepipe.monitor import Silent
from aepipe.stages import appraise

VAE = Blueprint(
    "variational",
    {
        "shape": [1, 8, 8], "code_size": 3, "latent": "gaussian",
        "trunk": {"convolutions": None, "widths": [16], "nonlinearity": "silu"},
        "likelihood": {"kind": "bernoulli"},
    },
)  # fmt: skip
CLASSIFIER = Blueprint(
    "classifier",
    {"shape": [1, 8, 8], "widths": [5], "nonlinearities": ["relu"], "classes": 10, "dropout": 0.0},
)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A network of random weights, and a classifier beside its control."""
    folder = tmp_path_factory.mktemp("models")
    torch.manual_seed(0)
    for name, blueprint in [
        ("vae", VAE), ("classifier/finetuned", CLASSIFIER), ("classifier/control", CLASSIFIER)
    ]:  # fmt: skip
        save_model(folder / name, blueprint, construct(blueprint), {})
    return folder


def run(dataset, models, folder, space="classifier", **changes):
    given = {"samples": 1000, "neighbours": 3, "shown": 4, "batch_size": 7, **changes}
    params = appraise.Params(
        seed=0, seeds=1, name="vae", feature_space=space, confidence=0.95, resamples=100, **given
    )
    inputs = appraise.Inputs(dataset.folder, models / "vae", models / "classifier")
    folder.mkdir()
    outputs = appraise.Outputs(folder / "vae.json", folder / "vae")
    appraise.run(params, inputs, outputs, Silent())
    return json.loads(outputs.figures.read_text())


@pytest.mark.parametrize("space", ["classifier", "pixels"])
def test_draws_are_held_against_the_whole_test_split(small_digits, models, tmp_path, space):
    found = run(small_digits, models, tmp_path / "out", space)
    assert found["samples"] == small_digits.counts["test"]
    assert found["feature_space"] == space
    # untrained, so grey: further from the test split than training samples are
    distance = found["generated"]["frechet_distance"]["value"]
    assert distance > 2 * found["training"]["frechet_distance"]["value"]
    assert found["generated"]["coverage"]["value"] < found["training"]["coverage"]["value"]


def test_pairs_are_draws_beside_the_nearest_training_samples(small_digits, models, tmp_path):
    run(small_digits, models, tmp_path / "out", "pixels")
    train = small_digits.scaled(small_digits.features("train").load()).reshape(-1, 64)
    lengths = {}
    for name in ("first", "closest"):
        drawn, beside = np.load(tmp_path / "out" / "vae" / f"{name}.npy").reshape(2, 4, 64)
        to_all = np.square(drawn[:, None] - train).sum(axis=2)
        lengths[name] = np.square(drawn - beside).sum(axis=1)
        np.testing.assert_allclose(lengths[name], to_all.min(axis=1), rtol=1e-4)
    assert (np.diff(lengths["closest"]) >= 0).all()
    assert (lengths["closest"] <= np.sort(lengths["first"])).all()


def test_the_same_inputs_give_the_same_bytes(small_digits, models, tmp_path):
    for name in ("one", "two"):
        torch.rand(3)  # the global generator must not matter
        run(small_digits, models, tmp_path / name)
    files = [path for path in (tmp_path / "one").rglob("*") if path.is_file()]
    assert len(files) == 3
    for path in files:
        twin = tmp_path / "two" / path.relative_to(tmp_path / "one")
        assert path.read_bytes() == twin.read_bytes()


def test_without_a_classifier_nothing_is_judged_in_its_space(small_digits, models, tmp_path):
    (tmp_path / "vae").symlink_to(models / "vae")
    write_absence(tmp_path / "classifier", "no training sample has a label")
    assert run(small_digits, tmp_path, tmp_path / "out") == {}
    assert absence(tmp_path / "out" / "vae") == "no training sample has a label"
    assert run(small_digits, tmp_path, tmp_path / "pixels", "pixels")["generated"]


def test_what_has_no_prior_cannot_be_drawn_from(small_digits, models, tmp_path):
    (tmp_path / "vae").symlink_to(models / "classifier")
    (tmp_path / "classifier").symlink_to(models / "classifier")
    with pytest.raises(ArtifactError, match="no variational network"):
        run(small_digits, tmp_path, tmp_path / "out")


def test_more_neighbours_than_samples_are_refused(small_digits, models, tmp_path):
    with pytest.raises(ParamsError, match=r"appraise\.neighbours: 40 is not below the 40 test"):
        run(small_digits, models, tmp_path / "out", neighbours=40)
