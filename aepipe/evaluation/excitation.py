"""Inputs that excite units of a code most: among test samples, and of all of a length.

Le et al. (2012), ICML, section 4.4: the optimal stimulus of a unit is the input of a given norm at
which it is largest, found by gradient ascent on the sphere of that norm.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aepipe.data.parts import Array
from aepipe.evaluation.judge import Court
from aepipe.evaluation.outcome import Subject
from aepipe.params.judgements import Ascent


def exciting_inputs(
    subject: Subject, court: Court, concepts: Mapping[str, Mapping[str, Any]], ascent: Ascent | None
) -> Array:
    """Give the input that excites the unit of each concept, ``(1 or 2, classes, *shape)``, scaled.

    First the test samples that do so most. Then, where ``ascent`` is declared and derivatives reach
    the input, the optimal inputs of the mean length of a test sample; ascent starts at the samples.

    Args:
        subject: the representation.
        court: with the test split.
        concepts: by class, as :func:`aepipe.evaluation.concepts.concept_figures` gives them.
        ascent: how far to climb.
    """
    ids = court.dataset.ids("test")
    rows = np.array([int(np.argmax(ids == one["sample"])) for one in concepts.values()])
    found = court.dataset.scaled(court.dataset.features("test").rows(rows))
    if ascent is None or subject.encode_tensors is None:
        return found[None]
    start = torch.from_numpy(found)
    if not _has_derivatives(subject.encode_tensors, start):
        return found[None]
    lengths = [
        np.linalg.norm(batch.reshape(len(batch), -1), axis=1)
        for batch in court.batches("test", court.test_rows)
    ]
    units = torch.tensor([one["unit"] for one in concepts.values()])
    signs = torch.tensor([float(one["sign"]) for one in concepts.values()])
    response = responses(subject.encode_tensors, units, signs)
    best = optimal_inputs(response, start, float(np.concatenate(lengths).mean()), ascent)
    return np.stack([found, best.numpy()])


def responses(
    encode: Callable[[Tensor], Tensor], units: Tensor, signs: Tensor
) -> Callable[[Tensor], Tensor]:
    """Give the function from inputs ``(classes, *shape)`` to the response of each one's unit."""
    return lambda x: encode(x).gather(1, units[:, None])[:, 0] * signs


def optimal_inputs(
    response: Callable[[Tensor], Tensor], start: Tensor, length: float, ascent: Ascent
) -> Tensor:
    """Climb from ``start``, ``(n, *shape)``, on the sphere of radius ``length``.

    Each step goes along the gradient's direction, by the declared share of the length, which falls
    to 0 evenly; the best input on the way is kept.

    Args:
        response: from inputs to numbers ``(n,)``, each of its own input alone.
        start: none of zeros alone.
        length: Euclidean norm of the results.
        ascent: steps and their size.

    Returns:
        Of the shape of ``start``.
    """
    x = _onto_sphere(start, length)
    best, highest = x, torch.full((len(x),), -torch.inf)
    for step in range(ascent.steps + 1):
        x = x.detach().requires_grad_()
        value = response(x)
        (gradient,) = torch.autograd.grad(value.sum(), x)
        better = value.detach() > highest
        highest = torch.where(better, value.detach(), highest)
        best = torch.where(better.view(-1, *[1] * (x.dim() - 1)), x.detach(), best)
        size = ascent.step_size * length * (1 - step / (ascent.steps + 1))
        x = _onto_sphere(x.detach() + size * _onto_sphere(gradient, 1.0), length)
    return best


def _onto_sphere(x: Tensor, length: float) -> Tensor:
    """Scale each row to ``length``; one of zeros stays."""
    norms = torch.linalg.vector_norm(x.flatten(1), dim=1)
    factor = length / torch.where(norms > 0, norms, torch.ones_like(norms))
    return x * factor.view(-1, *[1] * (x.dim() - 1))


def _has_derivatives(encode: Callable[[Tensor], Tensor], x: Tensor) -> bool:
    """Say whether gradients flow through ``encode``; through numpy, as PCA's, they don't."""
    try:
        return encode(x.clone().requires_grad_()).requires_grad
    except RuntimeError:  # torch refuses to hand a tensor that requires them to numpy
        return False
