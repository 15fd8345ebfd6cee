"""Laws of the noises."""

import pytest
import torch

from aepipe.corruption.build import build_corruption, condition_name
from aepipe.corruption.noise import add_gaussian, mask, salt_and_pepper
from aepipe.errors import ParamsError
from aepipe.params.corruption import Gaussian, Masking, NoCorruption, SaltAndPepper

X = torch.rand(64, 3, 16, 16, generator=torch.Generator().manual_seed(0)) + 0.1  # no zeros


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


NOISES = {
    "mask": lambda x, g: mask(x, 0.3, g),
    "add_gaussian": lambda x, g: add_gaussian(x, 0.3, g),
    "salt_and_pepper": lambda x, g: salt_and_pepper(x, 0.3, -1.0, 2.0, g),
}


@pytest.mark.parametrize("noise", NOISES.values(), ids=NOISES)
def test_equal_generator_states_give_equal_noise_and_the_input_is_left_alone(noise):
    before = X.clone()
    torch.testing.assert_close(noise(X, generator()), noise(X, generator()), rtol=0, atol=0)
    assert not torch.equal(noise(X, generator()), noise(X, generator(2)))
    torch.testing.assert_close(X, before, rtol=0, atol=0)


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.5, 1.0])
def test_masking_zeroes_the_declared_fraction_and_rescales_nothing(fraction):
    masked = mask(X, fraction, generator())
    zero = masked == 0
    # 49,152 coin tosses: four standard errors are at most 0.9 %
    assert zero.float().mean().item() == pytest.approx(fraction, abs=0.01)
    assert torch.equal(masked[~zero], X[~zero])


def test_gaussian_noise_has_the_declared_deviation_and_no_mean():
    noise = add_gaussian(X, 0.3, generator()) - X
    assert noise.mean().item() == pytest.approx(0, abs=0.006)
    assert noise.std().item() == pytest.approx(0.3, rel=0.02)


def test_salt_and_pepper_are_equally_frequent_and_nothing_else_changes():
    noisy = salt_and_pepper(X, 0.4, -1.0, 2.0, generator())
    salt, pepper = (noisy == 2.0), (noisy == -1.0)
    assert salt.float().mean().item() == pytest.approx(0.2, abs=0.01)
    assert pepper.float().mean().item() == pytest.approx(0.2, abs=0.01)
    untouched = ~(salt | pepper)
    assert torch.equal(noisy[untouched], X[untouched])


def test_no_corruption_is_the_identity():
    corrupt = build_corruption(NoCorruption(kind="none"), None)
    assert corrupt(X, generator()) is X


def test_salt_and_pepper_is_refused_where_features_have_no_bounds():
    config = SaltAndPepper(kind="salt_and_pepper", fraction=0.1)
    with pytest.raises(ParamsError, match="smallest and a largest value"):
        build_corruption(config, None)


def test_conditions_are_named_by_kind_and_level():
    assert condition_name(Masking(kind="masking", fraction=0.25)) == "masking_0.25"
    assert condition_name(Gaussian(kind="gaussian", standard_deviation=0.3)) == "gaussian_0.3"
