"""Pairs of clean and noisy spectra from recordings of spoken digits, as Lu et al. (2013) denoise.

    python experiments/prepare/spoken_digits.py RECORDINGS.zip OUTPUT.npz

RECORDINGS.zip is the Free Spoken Digit Dataset: 8 kHz, named digit_speaker_index.wav. Each gets
white noise at several signal-to-noise ratios; of the recording and its noisy versions the power
in 40 mel bands is taken in dB below the recording's loudest, and cut into patches of 11 frames.

OUTPUT.npz has ``clean`` and ``noisy_0db``, ``noisy_5db``, ``noisy_10db``, (patches, 1, 40, 11), in
-80 to 0 dB (noisy ones a little above), and for each patch ``digit`` and ``speaker``. The same
recordings give the same arrays.
"""

import io
import sys
import wave
from pathlib import Path
from zipfile import ZipFile

import numpy as np
from scipy.signal import stft

RATIOS = (0, 5, 10)  # dB; as hard as speech recognisers are usually tried
BANDS, FRAMES = 40, 11  # mel bands; 10 ms each, about a vowel
WINDOW, HOP = 200, 80  # samples: 25 and 10 ms
FLOOR = -80.0  # dB; below it nothing is heard


def mel_filters(rate: int) -> np.ndarray:
    """Triangles at even distances on the mel scale, ``(bands, WINDOW / 2 + 1)``."""
    frequencies = np.linspace(0, rate / 2, WINDOW // 2 + 1)
    top = 2595 * np.log10(1 + rate / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, BANDS + 2) / 2595) - 1)
    rising = (frequencies - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - frequencies) / np.diff(edges)[1:, None]
    return np.maximum(0, np.minimum(rising, falling))


def decibels(signal: np.ndarray, rate: int) -> np.ndarray:
    """Power in each band and frame, ``(bands, frames)``, in dB."""
    _, _, spectrum = stft(signal, rate, nperseg=WINDOW, noverlap=WINDOW - HOP, boundary=None)
    power = mel_filters(rate) @ np.abs(spectrum) ** 2
    return 10 * np.log10(power + 1e-12)


def patches(bands: np.ndarray) -> np.ndarray:
    """Cut ``(bands, frames)`` into ``(patches, 1, bands, FRAMES)``; the rest is dropped."""
    whole = bands[:, : bands.shape[1] // FRAMES * FRAMES]
    return whole.reshape(BANDS, -1, FRAMES).transpose(1, 0, 2)[:, None]


def read(content: bytes) -> tuple[np.ndarray, int]:
    """Give the samples of a 16-bit recording, and how many there are in a second."""
    with wave.open(io.BytesIO(content)) as file:
        frames = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return frames.astype(np.float64) / 2**15, file.getframerate()


archive, target = map(Path, sys.argv[1:])
arrays: dict[str, list[np.ndarray]] = {}
with ZipFile(archive) as recordings:
    for number, name in enumerate(sorted(n for n in recordings.namelist() if n.endswith(".wav"))):
        signal, rate = read(recordings.read(name))
        if len(signal) < WINDOW + (FRAMES - 1) * HOP:
            continue  # shorter than a patch
        clean = decibels(signal, rate)
        loudest = clean.max()
        noise = np.random.default_rng(number).standard_normal(len(signal))
        noise *= np.sqrt(np.mean(signal**2) / np.mean(noise**2))  # 0 dB
        versions = {"clean": clean} | {
            f"noisy_{ratio}db": decibels(signal + noise * 10 ** (-ratio / 20), rate)
            for ratio in RATIOS
        }
        for key, bands in versions.items():
            cut = patches(bands - loudest).clip(FLOOR, 0 if key == "clean" else -FLOOR / 2)
            arrays.setdefault(key, []).append(cut.astype(np.float32))
        digit, speaker, _ = Path(name).stem.split("_")
        count = len(arrays["clean"][-1])
        arrays.setdefault("digit", []).append(np.full(count, int(digit)))
        arrays.setdefault("speaker", []).append(np.full(count, speaker))
target.parent.mkdir(parents=True, exist_ok=True)
np.savez_compressed(target, **{key: np.concatenate(parts) for key, parts in arrays.items()})
