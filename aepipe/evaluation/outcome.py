"""What a representation makes of each sample of a split, clean or corrupted."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from aepipe.data.dataset import UNLABELLED
from aepipe.data.parts import Array
from aepipe.evaluation.reconstruction import Score, squared_errors
from aepipe.evaluation.uncertainty import Figure, wilson

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Labels = NDArray[np.int64]
Batches = Iterable[tuple[Float32, Float32]]


@final
@dataclass(frozen=True, slots=True)
class Attribute:
    """Something that samples can be asked for, with the classifier that a network was held to.

    Attributes:
        groups: names of the dataset's classes, by the name of their group.
        classify: from scaled samples ``(n, *shape)`` to numbers of groups ``(n,)``.
    """

    groups: Mapping[str, Sequence[str]]
    classify: Callable[[Float32], Labels]


@final
@dataclass(frozen=True, slots=True)
class Subject:
    """A representation as it is judged: functions of arrays.

    Attributes:
        code_size: features of a code.
        encode: from scaled samples ``(n, *shape)`` to codes ``(n, code_size)``.
        decode: from codes to scaled samples ``(n, *shape)``; None where there is no way back.
        heads: classifiers of its own, by name, from scaled samples to labels ``(n,)``.
        attributes: what it is to keep and to hide, if that is what it is for.
        encode_tensors: ``encode`` of tensors, through which derivatives reach its input where
            there are any; None where it was built from arrays.
        network: what the functions are of, where it is one network.
    """

    code_size: int
    encode: Callable[[Float32], Float64]
    decode: Callable[[Float64], Float32] | None
    heads: Mapping[str, Callable[[Float32], Labels]] = field(default_factory=dict)
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    encode_tensors: Callable[[Tensor], Tensor] | None = None
    network: nn.Module | None = None


@final
@dataclass(frozen=True, slots=True)
class Outcome:
    """One value for each sample, in the order of the split.

    Attributes:
        squared_error: against the clean sample, summed over features; None without a decoder.
        scored: by name, what else it was compared with the clean sample by.
        predictions: labels by the name of the probe or head.
    """

    squared_error: Float64 | None
    scored: dict[str, Float64]
    predictions: dict[str, Labels]


def observe(
    subject: Subject,
    batches: Batches,
    probes: Mapping[str, Callable[[Array], Labels]],
    scores: Mapping[str, Score],
) -> Outcome:
    """Encode, classify and reconstruct batch by batch; memory does not grow with the features.

    Args:
        subject: the representation.
        batches: pairs of what it is shown and the clean samples, both ``(n, *shape)``.
        probes: from codes to labels.
        scores: by name, from clean samples and reconstructions to numbers ``(n,)``.
    """
    errors: list[Float64] = []
    scored: dict[str, list[Float64]] = {name: [] for name in scores}
    labels: dict[str, list[Labels]] = {name: [] for name in (*probes, *subject.heads)}
    for shown, clean in batches:
        codes = subject.encode(shown)
        for name, predict in probes.items():
            labels[name].append(predict(codes))
        for name, head in subject.heads.items():
            labels[name].append(head(shown))
        if subject.decode is not None:
            reconstruction = subject.decode(codes)
            errors.append(squared_errors(clean, reconstruction))
            for name, score in scores.items():
                scored[name].append(score(clean, reconstruction))
    return Outcome(
        squared_error=np.concatenate(errors) if errors else None,
        scored={name: np.concatenate(blocks) for name, blocks in scored.items() if blocks},
        predictions={name: np.concatenate(blocks) for name, blocks in labels.items()},
    )


def accuracy(predicted: Labels, labels: Labels, confidence: float) -> Figure | None:
    """Give the share of labelled samples whose label was predicted; None where none has a label."""
    known = labels != UNLABELLED
    if not known.any():
        return None
    right = int(np.sum(predicted[known] == labels[known]))
    return wilson(right, int(known.sum()), confidence)
