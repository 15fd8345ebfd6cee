"""The share of energy at the stride's frequencies, against patterns whose share is known."""

import json

import numpy as np
import pytest
import torch

from aepipe.models.convolutional import ConvolutionalAutoencoder
from aepipe.models.files import Blueprint
from aepipe.training.checkerboard import (
    CODES,
    SHOWN,
    Watch,
    at_stride,
    power_spectrum,
    random_outputs,
    stride_energy,
    upsampling,
)


def network(shape=(1, 16, 16), **changes) -> ConvolutionalAutoencoder:
    torch.manual_seed(0)
    convolutions = {
        "channels": [8, 8], "kernel": 3, "stride": 2, "padding": 1, "encoder": "strided",
        "decoder": "transposed", "activation": "relu", "batch_norm": False,
    }  # fmt: skip
    return ConvolutionalAutoencoder(shape, convolutions | changes, 6, "squared")


def noise() -> torch.Generator:
    return torch.Generator().manual_seed(1)


@pytest.mark.parametrize("stride", [2, 3, 4])
def test_a_planted_pattern_of_the_strides_period_is_found_whole(stride):
    rows = torch.arange(24) % stride == 0
    for pattern in (rows[:, None] & rows, rows[:, None].expand(24, 24), rows.expand(24, 24)):
        images = 3 + pattern.float().expand(5, 2, 24, 24)
        assert stride_energy(images, stride) == pytest.approx(1)


def test_a_pattern_of_another_period_is_not_found():
    rows = torch.arange(24) % 3 == 0
    assert stride_energy(rows.float().expand(5, 1, 24, 24), 2) == pytest.approx(0, abs=1e-9)
    wave = torch.cos(torch.arange(24) * (2 * torch.pi / 24)).expand(5, 1, 24, 24)
    assert stride_energy(wave, 2) == pytest.approx(0, abs=1e-9)


def test_a_pattern_of_known_strength_in_white_noise_has_the_share_that_follows():
    grain = torch.randn(400, 1, 16, 16, generator=noise())
    board = (torch.arange(16)[:, None] + torch.arange(16)) % 2 * 2.0 - 1  # power 1 per pixel
    chance = at_stride(16, 16, 2).sum() / 255
    expected = (1 + chance * 255 / 256) / (1 + 255 / 256)
    assert stride_energy(grain + board, 2) == pytest.approx(float(expected), abs=0.01)


@pytest.mark.parametrize(("side", "stride"), [(16, 2), (15, 3), (28, 2), (8, 4)])
def test_white_noise_has_the_value_of_chance(side, stride):
    grain = torch.randn(500, 2, side, side, generator=noise())
    lines = (stride - 1) * 2 * side - (stride - 1) ** 2
    expected = lines / (side**2 - 1)
    assert at_stride(side, side, stride).sum() == lines
    assert stride_energy(grain, stride) == pytest.approx(expected, rel=0.02)


def test_the_share_depends_neither_on_brightness_nor_on_contrast_nor_on_how_many_images():
    images = torch.randn(4, 1, 12, 12, generator=noise())
    share = stride_energy(images, 2)
    assert stride_energy(7 + 0.01 * images, 2) == pytest.approx(share, rel=1e-4)
    assert stride_energy(images.repeat(3, 1, 1, 1), 2) == pytest.approx(share)
    assert stride_energy(torch.ones(2, 1, 8, 8), 2) == 0


def test_the_energy_of_a_spectrum_is_that_of_the_pixels():
    images = torch.randn(4, 3, 6, 10, generator=noise())
    images = images - images.mean(dim=(2, 3), keepdim=True)
    expected = images.double().square().sum(dim=(1, 2, 3)).mean() * 60  # Parseval
    torch.testing.assert_close(power_spectrum(images).sum(), expected)


def test_images_smaller_than_the_stride_are_refused():
    with pytest.raises(ValueError, match="2 x 9 pixels have no frequency 1/3"):
        stride_energy(torch.zeros(1, 1, 2, 9), 3)


def test_before_training_uneven_overlap_draws_a_checkerboard_that_resizing_does_not():
    samples = torch.rand(64, 1, 16, 16, generator=noise())
    found = {}
    for decoder in ("transposed", "resize"):
        outputs = random_outputs(network(decoder=decoder), samples, noise())
        found[decoder] = stride_energy(outputs, 2)
    assert found["transposed"] > 0.1
    assert found["resize"] < 0.1 * found["transposed"]


def test_random_codes_are_spread_as_those_of_the_samples():
    class Itself(torch.nn.Module):
        def encode(self, x):
            return x.flatten(1)

        def decode(self, code):
            return code.view(-1, 1, 2, 2)

        def mean(self, raw):
            return raw

    samples = torch.randn(5000, 1, 2, 2, generator=noise()) * 3 + torch.arange(4.0).view(1, 2, 2)
    outputs = random_outputs(Itself(), samples, noise())
    torch.testing.assert_close(outputs.mean(dim=0), samples.mean(dim=0), atol=0.6, rtol=0)
    torch.testing.assert_close(outputs.std(dim=0), samples.std(dim=0), atol=0, rtol=0.15)


def test_looking_changes_neither_the_network_nor_the_noise(tmp_path):
    model, generator = network(batch_norm=True).train(), noise()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    watch = Watch(model, 2, torch.rand(9, 1, 16, 16), generator)
    watch.write(tmp_path)
    assert model.training
    assert all(torch.equal(state[name], value) for name, value in model.state_dict().items())
    assert torch.equal(generator.get_state(), noise().get_state())


def test_what_is_written_tells_before_from_after_and_is_the_same_twice(tmp_path):
    samples = torch.rand(9, 1, 16, 16, generator=noise())
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        model = network()
        watch = Watch(model, 2, samples, noise())
        with torch.no_grad():
            model.decoder[-1].weight.fill_(0.1)
        watch.write(tmp_path / name)
    for name in ("checkerboard.json", "checkerboard.npy", "spectra.npy"):
        one, two = ((tmp_path / folder / name).read_bytes() for folder in ("one", "two"))
        assert one == two
    figures = json.loads((tmp_path / "one" / "checkerboard.json").read_text())
    images = np.load(tmp_path / "one" / "checkerboard.npy")
    assert images.shape == (2, SHOWN, 1, 16, 16)
    assert figures["before"] == stride_energy(random_outputs(network(), samples, noise()), 2)
    assert figures["before"] != figures["after"]
    assert figures["samples"] == stride_energy(samples, 2)
    assert figures["chance"] == pytest.approx(31 / 255)
    assert np.load(tmp_path / "one" / "spectra.npy").shape == (2, 16, 16)
    assert CODES > SHOWN


def test_the_stride_is_that_of_the_decoders_convolutions():
    plain = {"convolutions": {"stride": 3}}
    assert upsampling(Blueprint("convolutional", plain)) == 3
    assert upsampling(Blueprint("variational", {"trunk": plain})) == 3
    assert upsampling(Blueprint("variational", {"trunk": {"convolutions": None}})) is None
    assert upsampling(Blueprint("convolutional", {"convolutions": {"stride": 1}})) is None
    assert upsampling(Blueprint("deep", {"widths": [3]})) is None
