r"""Penalties on the encoder's Jacobian :math:`J = \partial h / \partial x`, mean over the batch.

In squared code units per squared input unit. The sampled ones need gradients with respect to the
input, and take them even where none are asked for, as in validation. They hold for encoders that
treat each sample alone: batch normalisation in training does not.
"""

from collections.abc import Callable

import torch
from torch import Generator, Tensor

Encode = Callable[[Tensor], Tensor]


def contractive(code: Tensor, weight: Tensor) -> Tensor:
    r"""Squared Frobenius norm of a one-layer sigmoid encoder's Jacobian.

    .. math:: \|J\|_F^2 = \sum_j \bigl(h_j (1 - h_j)\bigr)^2 \sum_i W_{ji}^2

    Rifai et al. (2011), "Contractive auto-encoders", ICML, equation 1 and its closed form for the
    sigmoid. Costs O(batch x units); no Jacobian is built.

    Args:
        code: ``h = sigmoid(W x + b)``, ``(batch, units)``, in (0, 1).
        weight: ``W``, ``(units, features)``, as ``nn.Linear`` keeps it.

    Raises:
        ValueError: ``weight`` does not have one row per unit.
    """
    if weight.shape[0] != code.shape[1]:
        raise ValueError(
            f"weight has {weight.shape[0]} rows for a code of {code.shape[1]} units; pass the "
            "encoder's weight, not the decoder's"
        )
    slope = code * (1 - code)
    return (slope.square() @ weight.square().sum(dim=1)).mean()


def sampled_contraction(
    encode: Encode, x: Tensor, projections: int, generator: Generator
) -> Tensor:
    r"""Estimate of the squared Frobenius norm of any encoder's Jacobian, without bias.

    .. math:: \|J\|_F^2 = E_v \|J^T v\|^2, \qquad v_j = \pm 1 \text{ with equal probability}

    Hutchinson (1990), Communications in Statistics 19:433, of the trace of J J^T. Each projection
    costs one pass backward.

    Args:
        encode: from ``(batch, *shape)`` to codes ``(batch, units)``; a sample's code must not
            depend on the others.
        x: ``(batch, *shape)``.
        projections: vectors v for each sample, over which is averaged.
        generator: of the vectors, on ``x``'s device.
    """
    with torch.enable_grad():
        point = x.detach().requires_grad_()
        code = encode(point)
        draws = [
            _pulled_back(code, point, _signs(code, generator)).square().flatten(1).sum(dim=1)
            for _ in range(projections)
        ]
        norm = torch.stack(draws).mean()
    return norm if torch.is_grad_enabled() else norm.detach()


def sampled_curvature(
    encode: Encode, x: Tensor, deviation: float, samples: int, generator: Generator
) -> Tensor:
    r"""How much an encoder's Jacobian changes near a sample: the higher-order contraction.

    .. math:: E_\epsilon \|J(x) - J(x + \epsilon)\|_F^2, \qquad \epsilon \sim N(0, \sigma^2 I)

    Rifai et al. (2011), "Higher order contractive auto-encoder", ECML PKDD, equation 7; with sigma
    going to 0 it is sigma squared times the squared norm of the Hessian (their equation 6). Each
    sample of epsilon has one random projection of its own, as in :func:`sampled_contraction`.

    Args:
        encode: from ``(batch, *shape)`` to codes ``(batch, units)``; a sample's code must not
            depend on the others.
        x: ``(batch, *shape)``.
        deviation: sigma, in the units of ``x``.
        samples: of epsilon for each sample, over which is averaged.
        generator: of epsilon and the projections, on ``x``'s device.
    """
    with torch.enable_grad():
        here = x.detach().requires_grad_()
        code = encode(here)
        draws = []
        for _ in range(samples):
            noise = torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)
            there = (x + deviation * noise).detach().requires_grad_()
            signs = _signs(code, generator)
            moved = _pulled_back(encode(there), there, signs)
            change = _pulled_back(code, here, signs) - moved
            draws.append(change.square().flatten(1).sum(dim=1))
        norm = torch.stack(draws).mean()
    return norm if torch.is_grad_enabled() else norm.detach()


def _signs(code: Tensor, generator: Generator) -> Tensor:
    coins = torch.rand(code.shape, generator=generator, device=code.device) < 0.5
    return torch.where(coins, -1.0, 1.0).to(code.dtype)


def _pulled_back(code: Tensor, x: Tensor, vectors: Tensor) -> Tensor:
    """Give J^T v for each sample, of the shape of ``x``, so that it can be differentiated again."""
    (pulled,) = torch.autograd.grad(code, x, vectors, create_graph=True)
    return pulled
