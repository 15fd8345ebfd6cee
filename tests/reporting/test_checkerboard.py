"""Pictures of checkerboards."""

import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

from aepipe.data.dataset import Dataset
from aepipe.reporting.checkerboard import checkerboards, spectrum, with_spectrum
from aepipe.reporting.pictures import GAP

DATASET = Dataset(
    folder=Path("nowhere"), source="npz", digest="0", shape=(1, 8, 8), scale=0.0625, offset=0.0,
    value_range=(0.0, 1.0), classes=[], counts={"train": 1, "valid": 1, "test": 1}, paired=False,
)  # fmt: skip


def opened(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)))


def test_a_wave_is_a_pair_of_white_points_as_far_from_the_middle_as_its_frequency():
    wave = np.cos(2 * np.pi * 3 * np.arange(16) / 16)
    power = np.abs(np.fft.fft2(np.tile(wave, (16, 1)))) ** 2
    levels = spectrum(power)
    assert [*zip(*np.nonzero(levels > 0.5), strict=True)] == [(8, 5), (8, 11)]
    assert levels.max() == 1


def test_each_decade_of_power_is_one_step_of_grey_down_to_black():
    power = np.array([[0.0, 1.0, 0.1], [1e-2, 1e-3, 1e-9]])
    levels = np.sort(spectrum(power).ravel())
    np.testing.assert_allclose(levels, [0, 0, 0.25, 0.5, 0.75, 1])
    assert not spectrum(np.zeros((4, 4))).any()


def test_a_faint_pattern_is_stretched_to_black_and_white():
    board = (np.arange(8)[:, None] + np.arange(8)) % 2
    images = 0.5 + 1e-3 * np.stack([board, board])[:, None]
    pixels = opened(with_spectrum(images, np.ones((8, 8))))
    tile = 56
    assert pixels.shape == (tile, 3 * tile + 2 * GAP, 4)
    assert set(pixels[:, :tile, 0].ravel().tolist()) == {0, 255}
    assert set(
        opened(with_spectrum(np.ones((2, 1, 8, 8)), np.ones((8, 8))))[:, :tile, 0].ravel()
    ) == {0}


def test_a_colour_decoder_has_a_grey_spectrum_behind_its_images():
    images = np.random.default_rng(0).random((2, 3, 8, 8))
    last = opened(with_spectrum(images, np.random.default_rng(1).random((8, 8))))[:, -56:]
    assert (last[..., 0] == last[..., 1]).all()
    assert (last[..., 0] == last[..., 2]).all()


def test_the_strips_tell_the_figures_of_those_that_have_some(tmp_path):
    figures = {"format": 1, "stride": 2, "before": 0.4432, "after": 0.0333, "samples": 0.0344}
    for name in ("dense", "convolutional_transposed"):
        (tmp_path / name).mkdir()
    folder = tmp_path / "convolutional_transposed"
    (folder / "checkerboard.json").write_text(json.dumps(figures | {"chance": 0.2381}))
    np.save(
        folder / "checkerboard.npy", np.random.default_rng(0).random((2, 3, 1, 8, 8), np.float32)
    )
    np.save(folder / "spectra.npy", np.ones((2, 8, 8), np.float32))
    models = {name: tmp_path / name for name in ("dense", "convolutional_transposed")}
    before, after = checkerboards(DATASET, models)
    assert before.label == "convolutional transposed, before training"
    assert before.note.startswith("44.3% of energy at period 2; samples have 3.4%")
    assert after.note.startswith("3.3% of energy")
