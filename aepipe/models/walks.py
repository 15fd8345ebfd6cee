"""Ways through the space of latent variables: straight in the plane, great circles on a sphere."""

import torch
from torch import Tensor
from torch.nn.functional import normalize

from aepipe.models.latent import Latent

NEARLY_OPPOSITE = 1e-6  # sine of the angle below which a great circle's direction is lost


def between(latent: Latent, start: Tensor, end: Tensor, shares: Tensor) -> Tensor:
    """Walk from ``start`` to ``end``, both ``(rows, code_size)``, the shortest way.

    Args:
        latent: on a sphere the way is a great circle (Shoemake 1985, "Animating rotation with
            quaternion curves", section 3.3), elsewhere a straight line.
        start: of length 1 on a sphere.
        end: as ``start``.
        shares: ``(steps,)``, of the way that has been gone.

    Returns:
        ``(rows, steps, code_size)``.
    """
    start, end, share = start[:, None], end[:, None], shares[None, :, None]
    match latent:
        case "gaussian":
            return start * (1 - share) + end * share
        case "hyperspherical":
            along = (start * end).sum(dim=-1, keepdim=True)
            across = end - along * start
            length = across.norm(dim=-1, keepdim=True)
            ahead = torch.where(length > NEARLY_OPPOSITE, across / length, _across(start))
            return _circle(start, ahead, share * torch.atan2(length, along))


def along(latent: Latent, centre: Tensor, dimension: int, steps: Tensor) -> Tensor:
    """Walk through ``centre`` in the direction of one coordinate, ``(steps, code_size)``.

    Args:
        latent: on a sphere the way is a great circle, elsewhere a straight line.
        centre: ``(code_size,)``; of length 1 on a sphere.
        dimension: the coordinate that moves.
        steps: ``(steps,)``, in standard deviations of one coordinate under the prior: on the
            uniform sphere in m coordinates, arcs of ``1 / sqrt(m)``.
    """
    axis = torch.zeros_like(centre)
    axis[dimension] = 1
    match latent:
        case "gaussian":
            return centre + steps[:, None] * axis
        case "hyperspherical":
            across = axis - (axis @ centre) * centre
            length = across.norm()
            ahead = across / length if length > NEARLY_OPPOSITE else _across(centre[None])[0]
            return _circle(centre, ahead, steps[:, None] / len(centre) ** 0.5)


def _circle(start: Tensor, ahead: Tensor, angle: Tensor) -> Tensor:
    return torch.cos(angle) * start + torch.sin(angle) * ahead


def _across(directions: Tensor) -> Tensor:
    """Give for each direction ``(..., m)`` one that is orthogonal to it, of length 1."""
    least = directions.abs().argmin(dim=-1, keepdim=True)
    axis = torch.zeros_like(directions).scatter(-1, least, 1.0)
    across = axis - (axis * directions).sum(dim=-1, keepdim=True) * directions
    return normalize(across, dim=-1)
