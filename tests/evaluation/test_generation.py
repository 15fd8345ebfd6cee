"""What is told of generated samples, on clouds where it is known."""

import numpy as np
import pytest

from aepipe.evaluation import generation
from aepipe.evaluation.generation import fidelity, memorisation, nearest, radii
from aepipe.evaluation.uncertainty import Bootstrap

SETTINGS = Bootstrap(confidence=0.95, resamples=300, seed=0)
RNG = np.random.default_rng(0)
SHARES = ("precision", "recall", "density", "coverage")


def cloud(count: int, centre: float = 0.0) -> np.ndarray:
    return RNG.normal(size=(count, 4)) + centre


def values(real, generated, neighbours=5) -> dict[str, float]:
    found = fidelity(real, generated, neighbours, SETTINGS)
    for one in found.values():
        assert one["low"] <= one["value"] <= one["high"]
    return {name: found[name]["value"] for name in SHARES}


def by_loops(real, generated, neighbours) -> dict[str, float]:
    """The definitions, read off the papers."""

    def distance(a, b):
        return float(np.linalg.norm(a - b))

    def radius(points, place):
        others = [distance(points[place], p) for n, p in enumerate(points) if n != place]
        return sorted(others)[neighbours - 1]

    balls = [(point, radius(real, place)) for place, point in enumerate(real)]
    own = [(point, radius(generated, place)) for place, point in enumerate(generated)]
    holding = [sum(distance(g, centre) <= r for centre, r in balls) for g in generated]
    return {
        "precision": np.mean([count > 0 for count in holding]),
        "recall": np.mean([any(distance(x, c) <= r for c, r in own) for x in real]),
        "density": np.mean(holding) / neighbours,
        "coverage": np.mean([any(distance(g, c) <= r for g in generated) for c, r in balls]),
    }


@pytest.mark.parametrize("rows", [1000, 7])
def test_the_figures_are_those_of_their_definitions(rows, monkeypatch):
    monkeypatch.setattr(generation, "ROWS", rows)
    real, generated = cloud(40), cloud(30, centre=0.7)
    assert values(real, generated, 3) == pytest.approx(by_loops(real, generated, 3))


def test_the_same_distribution_has_a_density_of_one_and_the_coverage_of_its_formula():
    """Naeem et al. (2020), section 3.3: coverage is 1 - (n-1)...(n-k) / (2n-1)...(2n-k)."""
    n, k = 1500, 5
    found = values(cloud(n), cloud(n), k)
    steps = np.arange(1, k + 1)
    expected = 1 - np.prod((n - steps) / (2 * n - steps))
    # shares of 1,500 have standard errors below 0.5 %; neighbours are not independent, so 6 of them
    assert found["coverage"] == pytest.approx(expected, abs=0.03)
    assert found["density"] == pytest.approx(1, abs=0.05)


def test_clouds_apart_share_nothing():
    assert values(cloud(50), cloud(50, centre=100)) == dict.fromkeys(SHARES, 0)


def test_one_mode_of_two_looks_real_and_covers_half():
    real = np.concatenate([cloud(200), cloud(200, centre=50)])
    found = values(real, cloud(400))
    assert found["precision"] > 0.9
    assert found["recall"] < 0.55
    assert found["coverage"] < 0.55


def test_balls_reach_to_the_neighbour_itself_not_counted():
    points = np.array([[0.0], [1.0], [3.0], [3.0]])
    np.testing.assert_allclose(radii(points, 1), [1, 1, 0, 0])
    np.testing.assert_allclose(radii(points, 2), [9, 4, 4, 4])


def test_the_nearest_row_is_counted_through_all_blocks():
    base = cloud(25)
    points = base[[3, 24, 10]] + 1e-4
    distances, place = nearest(points, [base[:8], base[8:20], base[20:]])
    assert place.tolist() == [3, 24, 10]
    np.testing.assert_allclose(distances, 4e-8, rtol=1e-2)


def test_copies_are_told_from_samples_of_the_same_kind():
    train, held_out = cloud(600), cloud(300)
    rest, _ = nearest(held_out, [train])
    fresh, _ = nearest(cloud(300), [train])
    copies, _ = nearest(train[:300] + 0.01, [train])
    fair = memorisation(fresh, rest, SETTINGS)
    assert fair["low"] < 0.5 < fair["high"]
    assert memorisation(copies, rest, SETTINGS)["low"] > 0.95
    assert memorisation(100 + rest, rest, SETTINGS)["value"] == 0
