"""How sequences are shown in training: the true step before, or a part of the steps."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from torch import Generator, Tensor

from aepipe.models.lstm import LstmAutoencoder
from aepipe.models.steps import as_steps, from_steps, lengths
from aepipe.models.transformer import Masking, TransformerAutoencoder

Map = Callable[[Tensor], Tensor]


@final
@dataclass(frozen=True, slots=True)
class Presented:
    """What a network made of a batch.

    Attributes:
        code: ``(batch, code_size)``.
        raw: ``(batch, *shape)``, the raw output.
        weight: of each component's error, ``(batch, *shape)``; None where all weigh the same.
    """

    code: Tensor
    raw: Tensor
    weight: Tensor | None


def present(
    model: object, maps: tuple[Map, Map], shown: Tensor, target: Tensor, noise: Generator
) -> Presented:
    """Encode and decode a batch as ``model`` is trained to; most just do it.

    Args:
        model: any autoencoder.
        maps: how it encodes and decodes.
        shown: ``(batch, *shape)``, what the encoder reads.
        target: of the same shape, what is to be reconstructed.
        noise: on the device; drawn from only where steps are hidden.
    """
    if isinstance(model, LstmAutoencoder):
        return teacher_forced(model, shown, target)
    if isinstance(model, TransformerAutoencoder) and model.masking is not None:
        return masked(model, model.masking, shown, noise)
    encode, decode = maps
    code = encode(shown)
    return Presented(code, decode(code), None)


def teacher_forced(model: LstmAutoencoder, shown: Tensor, target: Tensor) -> Presented:
    """Tell a conditional decoder the true step before each; in evaluation it is on its own.

    Srivastava et al. (2015), ICML, section 2.4. Evaluation is what validation chooses an epoch by,
    so the choice is made by what the network will do.

    Args:
        model: with either decoder.
        shown: ``(batch, *shape)``, what the encoder reads.
        target: of the same shape, what is to be reconstructed.
    """
    code = model.encode(shown)
    raw = model.decode_towards(code, target) if model.training else model.decode(code)
    return Presented(code, raw, None)


def masked(
    model: TransformerAutoencoder, masking: Masking, shown: Tensor, noise: Generator
) -> Presented:
    """Hide a part of the steps from the encoder, and weigh errors by whether they were shown.

    He et al. (2022), CVPR, sections 3 and 4.1, with one code for the sample where they hand all
    tokens to the decoder; the steps of BERT (Devlin et al. 2019, NAACL, section 3.1) likewise.

    Args:
        model: whose encoder can leave steps out.
        masking: how many, and what errors on the others weigh; on hidden ones they weigh 1.
        shown: ``(batch, *shape)``.
        noise: draws the steps.
    """
    steps = as_steps(shown, model.shape)
    read = lengths(steps)
    hidden = hidden_steps(read, steps.shape[1], masking["fraction"], noise)
    code = model.encode(shown, hidden)
    weight = step_weights(hidden, read, masking["visible_weight"])[:, :, None].expand_as(steps)
    return Presented(code, model.decode(code), from_steps(weight, model.shape))


def hidden_steps(read: Tensor, steps: int, fraction: float, noise: Generator) -> Tensor:
    """Choose steps of each sequence without replacement, ``(batch, steps)``, true where hidden.

    ``fraction`` of the steps that are read, to the nearest number, yet at least one and never all;
    none of a sequence that has one step.

    Args:
        read: number of steps that are read of each sequence, ``(batch,)``.
        steps: of the stored sequences.
        fraction: in (0, 1).
        noise: on the device of ``read``.
    """
    draws = torch.rand(len(read), steps, generator=noise, device=read.device)
    beyond = torch.arange(steps, device=read.device) >= read[:, None]
    rank = draws.masked_fill(beyond, 2.0).argsort(dim=1).argsort(dim=1)  # 0 is hidden first
    wanted = torch.floor(fraction * read + 0.5).long()
    count = torch.minimum(wanted.clamp(min=1), read - 1)
    return rank < count[:, None]


def step_weights(hidden: Tensor, read: Tensor, visible: float) -> Tensor:
    """Give 1 for hidden steps and ``visible`` for others, ``(batch, steps)``.

    Steps after the last one that is read repeat it, so they weigh what it does.
    """
    last = hidden.gather(1, read[:, None] - 1)
    beyond = torch.arange(hidden.shape[1], device=hidden.device) >= read[:, None]
    return torch.where(torch.where(beyond, last, hidden), 1.0, visible)
