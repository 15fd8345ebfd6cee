"""The commands that bring data of experiments into a form that the pipeline reads."""

import io
import subprocess
import sys
import wave
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from scipy.sparse import csr_matrix

SCRIPTS = Path(__file__).parents[2] / "experiments" / "prepare"
RATE, BANDS, FRAMES = 8000, 40, 11
EDGE = 2595 * np.log10(1 + RATE / 2 / 700)  # of hearing's scale, in mel


def prepare(script: str, source: Path, target: Path) -> None:
    subprocess.run([sys.executable, SCRIPTS / f"{script}.py", source, target], check=True)


def recording(seconds: float, hertz: float) -> bytes:
    """Give a 16-bit recording of one tone."""
    tone = 0.1 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes((tone * 2**15).astype("<i2").tobytes())
    return content.getvalue()


def test_recordings_become_patches_that_are_noisier_the_lower_the_ratio(tmp_path):
    with ZipFile(tmp_path / "r.zip", "w") as archive:
        archive.writestr("r/3_ada_0.wav", recording(0.5, 1000))
        archive.writestr("r/5_bob_0.wav", recording(0.3, 500))
        archive.writestr("r/7_ada_1.wav", recording(0.05, 500))  # shorter than a patch
    for name in ("a.npz", "b.npz"):
        prepare("spoken_digits", tmp_path / "r.zip", tmp_path / name)
    with np.load(tmp_path / "a.npz") as made, np.load(tmp_path / "b.npz") as again:
        assert all(np.array_equal(made[key], again[key]) for key in made)
        clean = made["clean"]
        assert made["digit"].tolist() == [3] * 4 + [5] * 2  # 48 and 28 frames
        assert made["speaker"].tolist() == ["ada"] * 4 + ["bob"] * 2
        assert clean.shape == (6, 1, BANDS, FRAMES)
        assert clean.min() >= -80
        assert clean.max() == 0
        # the band of 1,000 Hz is where the mel scale puts it
        middle = (2595 * np.log10(1 + 1000 / 700)) / EDGE * (BANDS + 1) - 1
        assert abs(clean[0, 0].mean(axis=1).argmax() - middle) < 1
        silent = clean < -60  # there the noise alone is heard, 5 dB apart
        levels = [np.median(made[f"noisy_{ratio}db"][silent]) for ratio in (0, 5, 10)]
        assert np.allclose(-np.diff(levels), 5, atol=1)


def test_sparse_counts_become_a_table_of_logarithms_without_empty_documents(tmp_path):
    counts = {"train": np.array([[2, 0, 1], [0, 0, 0]]), "test": np.array([[0, 1, 0]])}
    arrays = {"labels": np.array(["acq", "earn"]), "train_y": np.array([1, 0]), "test_y": [0]}
    for part, table in counts.items():
        sparse = csr_matrix(table)
        for key in ("data", "indices", "indptr", "shape"):
            arrays[f"{part}_{key}"] = np.asarray(getattr(sparse, key))
    np.savez(tmp_path / "s.npz", **arrays)
    prepare("reuters_r8", tmp_path / "s.npz", tmp_path / "d.npz")
    with np.load(tmp_path / "d.npz") as made:
        np.testing.assert_allclose(np.expm1(made["train"]), [[2, 0, 1]], rtol=1e-6)
        np.testing.assert_allclose(np.expm1(made["test"]), [[0, 1, 0]], rtol=1e-6)
        assert made["train_class"].tolist() == ["earn"]
        assert made["test_class"].tolist() == ["acq"]
