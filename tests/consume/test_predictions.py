"""What models say, computed another way; and what each kind cannot say."""

import numpy as np
import pytest
import torch

from aepipe.consume.predictions import classified, decoded, described, drawn, encoded, interpolated
from aepipe.errors import InputError

ROWS = np.random.default_rng(0).integers(0, 17, (7, 1, 4, 4)).astype(np.uint8)
KINDS = pytest.mark.parametrize(
    ("kind", "shape"),
    [
        ("encoder", (1, 4, 4)),
        ("vae", (1, 4, 4)),
        ("sphere", (16,)),
        ("rbm", (1, 4, 4)),
        ("lstm", (8, 2)),
        ("lstm", (16,)),
    ],
)


@KINDS
def test_any_autoencoder_gives_codes_reconstructions_and_scores(trained, kind, shape):
    model = trained(kind, shape)
    given = described(model, ROWS.reshape(7, *shape))
    scaled = torch.from_numpy(ROWS.reshape(7, *shape) / np.float32(16))
    codes = model.network.encode(scaled)
    rebuilt = model.network.mean(model.network.decode(codes)).reshape(7, *shape)
    np.testing.assert_allclose(given["codes"], codes, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(given["reconstructions"], rebuilt * 16, rtol=1e-5, atol=1e-5)
    scores = ((rebuilt - scaled) ** 2).reshape(7, -1).sum(dim=1)
    np.testing.assert_allclose(given["anomaly_scores"], scores, rtol=1e-4)


@KINDS
def test_a_prediction_does_not_depend_on_the_batch(trained, kind, shape):
    model = trained(kind, shape)
    rows = ROWS.reshape(7, *shape)
    np.testing.assert_allclose(encoded(model, rows[3:4]), encoded(model, rows)[3:4], atol=1e-6)


def test_decoding_a_code_gives_its_reconstruction(trained):
    model = trained("vae")
    given = described(model, ROWS)
    np.testing.assert_allclose(decoded(model, given["codes"]), given["reconstructions"], rtol=1e-5)


@pytest.mark.parametrize("kind", ["vae", "sphere"])
def test_interpolation_goes_from_one_reconstruction_to_the_next(trained, kind):
    model = trained(kind)
    ends = described(model, ROWS)["reconstructions"]
    frames = interpolated(model, ROWS, steps=4)
    assert frames.shape == (6, 4, 1, 4, 4)
    np.testing.assert_allclose(frames[:, 0], ends[:-1], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(frames[:, -1], ends[1:], rtol=1e-4, atol=1e-4)


def test_draws_follow_from_the_seed(trained):
    model = trained("vae")
    first, again, other = (np.concatenate([*drawn(model, 1200, seed)]) for seed in (1, 1, 2))
    assert first.shape == (1200, 1, 4, 4)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_classifier_gives_probabilities_that_sum_to_one(trained):
    given = classified(trained("classifier"), ROWS)
    np.testing.assert_allclose(given["probabilities"].sum(axis=1), 1, rtol=1e-6)
    assert given["class_name"].tolist() == [("cat", "dog", "hen")[i] for i in given["label"]]


def test_what_a_kind_cannot_give_is_said_in_a_sentence(trained):
    with pytest.raises(InputError, match="no way back from codes"):
        described(trained("classifier"), ROWS)
    encoder = trained("encoder")
    with pytest.raises(InputError, match="DeepAutoencoder gives no probabilities"):
        classified(encoder, ROWS)
    with pytest.raises(InputError, match="has no prior"):
        next(drawn(encoder, 1, 0))
    with pytest.raises(InputError, match="has no prior"):
        interpolated(encoder, ROWS, 3)


def test_codes_and_counts_that_mean_nothing_are_refused(trained):
    model = trained("vae")
    for codes, message in (
        (np.zeros((2, 4)), r"shape \(2, 4\); expected codes \(n, 3\)"),
        (np.full((2, 3), np.nan), "NaN"),
        ([["a", "b", "c"]], "not numbers"),
        (np.zeros((0, 3)), r"shape \(0, 3\)"),
    ):
        with pytest.raises(InputError, match=message):
            decoded(model, codes)
    with pytest.raises(InputError, match="samples is 0"):
        next(drawn(model, 0, 0))
    with pytest.raises(InputError, match="steps is 1"):
        interpolated(model, ROWS, 1)
    with pytest.raises(InputError, match="two are needed"):
        interpolated(model, ROWS[:1], 3)
