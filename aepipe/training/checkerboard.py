"""How much of a checkerboard a convolutional decoder draws, before any training and after it.

Odena, Dumoulin and Olah (2016), "Deconvolution and checkerboard artifacts", Distill: where windows
of a transposed convolution overlap unevenly, their outputs carry a pattern with the stride's
period, which shows before any training. They show pictures; the figure here is this project's.
"""

from pathlib import Path
from typing import Protocol, cast, final

import numpy as np
import torch
from torch import Generator, Tensor, nn

from aepipe.files import FORMAT, write_json
from aepipe.models.files import Blueprint
from aepipe.training.feed import Feed

CODES = 256  # decoded for a figure: the share then varies by a few per cent between draws
SHOWN = 10  # of them kept as pictures


class Network(Protocol):
    """What is asked of a network whose decoder is looked at."""

    def encode(self, x: Tensor) -> Tensor:
        """Give the code."""
        ...

    def decode(self, code: Tensor) -> Tensor:
        """Give the raw output."""
        ...

    def mean(self, raw: Tensor) -> Tensor:
        """Turn the raw output into the units of the input."""
        ...


def watch_decoder(
    model: nn.Module, blueprint: Blueprint, samples: Feed, noise: Generator
) -> "Watch | None":
    """Start to watch the decoder of ``model``, if it widens images by convolutions.

    Args:
        model: untrained, on the device of ``samples``.
        blueprint: of ``model``.
        samples: clean ones, of which the first are encoded.
        noise: on the same device.
    """
    stride = upsampling(blueprint)
    if stride is None:
        return None
    return Watch(model, stride, samples.target.fetch(samples.indices[:CODES]), noise)


def upsampling(blueprint: Blueprint) -> int | None:
    """Give the stride by which each layer of the decoder widens; None where none does."""
    arguments = blueprint.arguments
    convolutions = arguments.get("convolutions") or arguments.get("trunk", {}).get("convolutions")
    stride = convolutions["stride"] if convolutions else 1
    return int(stride) if stride > 1 else None


@final
class Watch:
    """Looks at a decoder twice, with the same noise, and writes what it has seen.

    Args:
        model: an autoencoder of images.
        stride: of its decoder's layers.
        samples: ``(n, *shape)`` real ones, on the model's device.
        noise: on the same device; taken from where it stands, each time.
    """

    def __init__(self, model: nn.Module, stride: int, samples: Tensor, noise: Generator) -> None:
        self._model, self._stride, self._samples = model, stride, samples
        self._noise = noise
        self._before = self._outputs()

    def write(self, folder: Path) -> None:
        """Write ``checkerboard.json`` and two arrays, each of what was before and what is now.

        ``checkerboard.npy`` is ``(2, shown, *shape)`` decoder outputs for random codes, scaled, and
        ``spectra.npy`` is ``(2, height, width)``, their mean power at each frequency.
        """
        images = (self._before, self._outputs())
        before, after = (stride_energy(each, self._stride) for each in images)
        *_, height, width = self._samples.shape
        figures = {
            "stride": self._stride,
            "before": before,
            "after": after,
            "samples": stride_energy(self._samples, self._stride),
            "chance": float(at_stride(height, width, self._stride).sum()) / (height * width - 1),
        }
        write_json(folder / "checkerboard.json", {"format": FORMAT, **figures})
        spectra = torch.stack([power_spectrum(each) for each in images])
        arrays = {"checkerboard": torch.stack(images)[:, :SHOWN], "spectra": spectra}
        for name, array in arrays.items():
            np.save(folder / f"{name}.npy", array.float().cpu().numpy(), allow_pickle=False)

    def _outputs(self) -> Tensor:
        return random_outputs(self._model, self._samples, self._noise.clone_state())


def random_outputs(model: nn.Module, samples: Tensor, noise: Generator) -> Tensor:
    """Decode codes that are drawn with the mean and deviation of those of ``samples``.

    Args:
        model: with a code for each of ``samples``, ``(n, *shape)``.
        samples: real ones.
        noise: on their device.

    Returns:
        ``(CODES, *shape)``, scaled.
    """
    network, training = cast(Network, model), model.training
    model.eval()
    with torch.no_grad():
        codes = network.encode(samples).float()
        shape = (CODES, *codes.shape[1:])
        draws = torch.randn(shape, generator=noise, device=codes.device)
        drawn = codes.mean(dim=0) + codes.std(dim=0, correction=0) * draws
        outputs = network.mean(network.decode(drawn))
    model.train(training)
    return outputs.view(CODES, *samples.shape[1:])


def stride_energy(images: Tensor, stride: int) -> float:
    """Share of the spectrum's energy at the stride's frequencies, in [0, 1].

    Those whose vertical or horizontal part is a multiple of 1 / ``stride`` cycles per pixel other
    than 0 (see :func:`at_stride`). The mean brightness of an image, at frequency 0, does not
    count. White noise has the share of such frequencies among all.

    Args:
        images: ``(n, channels, height, width)``. Sides are cut to multiples of ``stride``, for
            else no frequency of their spectrum is one of the stride's.
        stride: at least 2.

    Raises:
        ValueError: the images are smaller than the stride.
    """
    *_, height, width = images.shape
    if min(height, width) < stride or stride < 2:
        raise ValueError(
            f"images of {height} x {width} pixels have no frequency 1/{stride}; expected a stride "
            "from 2 up to both sides"
        )
    power = power_spectrum(images[..., : height - height % stride, : width - width % stride])
    total = power.sum()
    chosen = power[at_stride(power.shape[0], power.shape[1], stride).to(power.device)].sum()
    return float(chosen / total) if total > 0 else 0.0


def power_spectrum(images: Tensor) -> Tensor:
    """Mean over images of the power at each frequency, ``(height, width)``, frequency 0 first.

    Summed over channels, in float64; 0 at frequency 0, where the brightness would outshine all.
    """
    waves: Tensor = torch.fft.fft2(images.double())
    power = waves.abs().square().sum(dim=1).mean(dim=0)
    power[0, 0] = 0
    return power


def at_stride(height: int, width: int, stride: int) -> Tensor:
    """Mark the stride's frequencies of a spectrum, ``(height, width)``.

    Where a side is no multiple of ``stride``, those next to them are marked.
    """
    rows, columns = torch.zeros(height, dtype=torch.bool), torch.zeros(width, dtype=torch.bool)
    for multiple in range(1, stride):
        rows[round(multiple * height / stride)] = True
        columns[round(multiple * width / stride)] = True
    return rows[:, None] | columns
