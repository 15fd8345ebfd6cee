import importlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from aepipe.consume.trained import pack
from aepipe.registry.described import read_registered
from aepipe.representation import load_representations

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.filterwarnings("ignore"),  # MLflow's own; none of them is ours to mend
]


@pytest.fixture
def model_of(make_models, registry, tmp_path_factory):
    """Give the predictions of a kind of model, as MLflow calls them."""
    make_models(0)
    from aepipe.registry.publish import parts_of

    def model(kind: str):
        described = {each.kind: each for each in read_registered(REGISTERED, registry, Path())}
        place = tmp_path_factory.mktemp(kind) / "model"
        pack(described[kind].require_files(), Path("data/dataset/dataset.json"), place)
        context = SimpleNamespace(artifacts=parts_of(kind, place).artifacts)
        loaded = importlib.import_module(f"aepipe.registry.{kind}").MODEL
        loaded.load_context(context)
        return lambda rows, params=None: loaded.predict(context, rows, params)

    return model


REGISTERED = Path("reports/registered.json")
ROWS = np.random.default_rng(0).integers(0, 17, (7, 1, 4, 4)).astype(np.float32)


def test_an_encoder_gives_the_codes_and_errors_that_the_evaluation_sees(model_of):
    predicted = model_of("encoder")(ROWS)
    (representation,) = load_representations(Path("models/autoencoder"))
    features = torch.from_numpy(ROWS / 16)
    codes = representation.encode(features)
    decoded = representation.decode(codes)
    np.testing.assert_allclose(predicted["codes"], codes, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(predicted["reconstructions"], decoded * 16, rtol=1e-5, atol=1e-5)
    expected = (decoded - features).square().sum(dim=(1, 2, 3))
    np.testing.assert_allclose(predicted["anomaly_scores"], expected, rtol=1e-5)


def test_a_classifier_is_the_finetuned_one_and_names_its_classes(model_of):
    predicted = model_of("classifier")(ROWS)
    (representation,) = load_representations(Path("models/classifier"))
    expected = representation.heads["finetuned"](torch.from_numpy(ROWS / 16)).softmax(dim=1)
    np.testing.assert_allclose(predicted["probabilities"], expected, rtol=1e-5)
    np.testing.assert_array_equal(predicted["label"], expected.argmax(dim=1))
    names = np.array(["cat", "dog", "hen"])[predicted["label"]]
    np.testing.assert_array_equal(predicted["class_name"], names)


def test_a_vae_encodes_to_posterior_means(model_of):
    predicted = model_of("vae")(ROWS)
    (representation,) = load_representations(Path("models/vae"))
    codes = representation.encode(torch.from_numpy(ROWS / 16))
    np.testing.assert_allclose(predicted["codes"], codes, rtol=1e-5, atol=1e-6)
    expected = representation.decode(codes) * 16
    np.testing.assert_allclose(predicted["reconstructions"], expected, rtol=1e-5, atol=1e-5)


def test_samples_of_a_vae_follow_from_the_seed_and_not_from_the_input(model_of):
    predict = model_of("vae")
    first = predict(ROWS, {"mode": "sample", "samples": 5, "seed": 3})["samples"]
    again = predict(ROWS[:1] * 0, {"mode": "sample", "samples": 5, "seed": 3})["samples"]
    other = predict(ROWS, {"mode": "sample", "samples": 5, "seed": 4})["samples"]
    assert first.shape == (5, 1, 4, 4)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("kind", ["encoder", "classifier", "vae"])
def test_a_prediction_depends_neither_on_the_batch_nor_on_how_it_is_laid_out(model_of, kind):
    predict = model_of(kind)
    whole = predict(ROWS)
    for rows in (ROWS.reshape(7, 16), pd.DataFrame(ROWS.reshape(7, 16)), ROWS.astype(np.uint8)):
        for name, value in predict(rows).items():
            np.testing.assert_array_equal(value, whole[name])
    for name, value in predict(ROWS[2:3]).items():
        if name not in ("label", "class_name"):
            np.testing.assert_allclose(value, whole[name][2:3], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        (ROWS[:, :, :3], r"input has shape \(7, 1, 3, 4\); expected an array \(n, 1, 4, 4\)"),
        (ROWS[0, 0, 0], r"input has shape \(4,\)"),
        (ROWS * np.nan, "holds NaN or infinity"),
        ([["a", "b"]], "not numbers"),
    ],
)
def test_input_that_is_no_batch_of_samples_is_refused(model_of, rows, problem):
    from mlflow.exceptions import MlflowException

    with pytest.raises(MlflowException, match=problem) as caught:
        model_of("encoder")(rows)
    assert caught.value.get_http_status_code() == 400


@pytest.mark.parametrize("params", [{"mode": "dream"}, {"mode": "sample", "samples": 0}])
def test_params_that_mean_nothing_are_refused(model_of, params):
    from mlflow.exceptions import MlflowException

    with pytest.raises(MlflowException, match="expected"):
        model_of("vae")(ROWS, params)
