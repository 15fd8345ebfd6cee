"""What a training step is given, and what a loss makes of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from torch import Generator, Tensor

Terms = dict[str, Tensor]


@final
@dataclass(frozen=True, slots=True)
class Batch:
    """Samples of one step.

    Attributes:
        input: ``(batch, *shape)``, what the network is shown before corruption: the clean samples,
            or the noisy version that the data source supplies.
        target: ``(batch, *shape)``, the clean samples.
        label: ``(batch,)``, integers; empty where training does not use labels.
        index: ``(batch,)``, on the CPU: which samples of their split these are; None where nobody
            has counted them.
    """

    input: Tensor
    target: Tensor
    label: Tensor
    index: Tensor | None = None


@final
@dataclass(frozen=True, slots=True)
class Seen:
    """What a penalty may look at in one step.

    Attributes:
        shown: ``(batch, *shape)``, what the network was given, corrupted.
        code: ``(batch, code_size)``, what it made of it, in float32.
        encode: how it did.
        noise: for penalties that draw samples; on the device.
        training: whether this is a step of training, and not validation.
    """

    shown: Tensor
    code: Tensor
    encode: Callable[[Tensor], Tensor]
    noise: Generator
    training: bool


Loss = Callable[[Batch, Generator, int], Terms]
"""From a batch, the generator of its noise and the epoch (from 1) to named terms, each a mean over
the batch. One that has a state is an ``nn.Module`` with that state in buffers. In validation the
network is in evaluation mode, and the sum of the terms decides which epoch is kept."""
