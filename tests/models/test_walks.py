"""Ways through latent space."""

import math

import pytest
import torch
from torch.nn.functional import normalize

from aepipe.models.walks import along, between

SHARES = torch.linspace(0, 1, 9)


def points(rows: int, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    drawn = torch.randn(2, rows, size, generator=torch.Generator().manual_seed(0))
    start, end = normalize(drawn, dim=-1)
    return start, end


@pytest.mark.parametrize("latent", ["gaussian", "hyperspherical"])
def test_a_walk_starts_and_ends_where_it_should(latent):
    start, end = points(5, 4)
    walk = between(latent, start, end, SHARES)
    torch.testing.assert_close(walk[:, 0], start)
    torch.testing.assert_close(walk[:, -1], end)


def test_on_the_sphere_all_steps_are_equal_and_the_way_is_the_shortest():
    start, end = points(5, 4)
    walk = between("hyperspherical", start, end, SHARES).double()
    torch.testing.assert_close(walk.norm(dim=-1), torch.ones(5, 9).double())
    chords = (walk[:, 1:] - walk[:, :-1]).norm(dim=-1)
    arcs = 2 * (chords / 2).asin()
    whole = (start * end).sum(dim=-1).double().acos()
    torch.testing.assert_close(arcs, (whole / 8)[:, None].expand(5, 8), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("factor", [1.0, -1.0])
def test_from_a_point_to_itself_or_to_the_opposite_one_the_sphere_is_never_left(factor):
    start = torch.eye(3)
    walk = between("hyperspherical", start, factor * start, SHARES)
    torch.testing.assert_close(walk.norm(dim=-1), torch.ones(3, 9))
    torch.testing.assert_close(walk[:, -1], factor * start, atol=1e-6, rtol=0)


def test_a_traversal_passes_the_centre_and_moves_one_coordinate():
    steps = torch.tensor([-2.0, 0.0, 2.0])
    straight = along("gaussian", torch.zeros(4), 1, steps)
    expected = torch.zeros(3, 4)
    expected[:, 1] = steps
    assert torch.equal(straight, expected)
    centre = normalize(torch.tensor([1.0, 0.2, -0.5, 0.1]), dim=0)
    circle = along("hyperspherical", centre, 1, steps)
    torch.testing.assert_close(circle[1], centre)
    torch.testing.assert_close(circle.norm(dim=-1), torch.ones(3))
    assert (circle[2] @ centre).item() == pytest.approx(math.cos(2 / 4**0.5), abs=1e-5)
    assert circle[0, 1] < circle[1, 1] < circle[2, 1]


def test_a_traversal_of_the_axis_on_which_the_centre_lies_stays_on_the_sphere():
    circle = along("hyperspherical", torch.tensor([0.0, 1.0, 0.0]), 1, SHARES)
    torch.testing.assert_close(circle.norm(dim=-1), torch.ones(9))
