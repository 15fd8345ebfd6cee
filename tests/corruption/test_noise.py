"""Laws of the noises."""

import pytest
import torch

from aepipe.corruption.build import build_corruption, build_selection, condition_name
from aepipe.corruption.noise import (
    add_gaussian,
    below,
    block_sides,
    drop,
    hide_block,
    lots,
    mask,
    salt_and_pepper,
)
from aepipe.errors import ParamsError
from aepipe.params.corruption import (
    Block,
    Gaussian,
    InputDropout,
    Masking,
    NoCorruption,
    SaltAndPepper,
)

X = torch.rand(64, 3, 16, 16, generator=torch.Generator().manual_seed(0)) + 0.1  # no zeros


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


NOISES = {
    "mask": lambda x, g: mask(x, 0.3, g),
    "add_gaussian": lambda x, g: add_gaussian(x, 0.3, g),
    "salt_and_pepper": lambda x, g: salt_and_pepper(x, 0.3, -1.0, 2.0, g),
    "drop": lambda x, g: drop(x, 0.3, g),
    "hide_block": lambda x, g: hide_block(x, 0.3, g),
}
SECTIONS = {
    "masking": Masking(kind="masking", fraction=0.3),
    "gaussian": Gaussian(kind="gaussian", standard_deviation=0.3),
    "salt_and_pepper": SaltAndPepper(kind="salt_and_pepper", fraction=0.3),
    "dropout": InputDropout(kind="dropout", fraction=0.3),
    "block": Block(kind="block", size=0.3),
}
KINDS = pytest.mark.parametrize("section", SECTIONS.values(), ids=SECTIONS)
BOUNDS = (-1.0, 2.0)


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


def test_what_is_drawn_for_a_sample_depends_on_none_after_it():
    for rows in (X, X[:, 0, 0, :3]):  # 3 components do not fill a word of 64 bits
        assert torch.equal(lots(rows[:5], generator()), lots(rows, generator())[:5])


def test_every_lot_is_as_likely_and_independent_of_its_neighbour():
    drawn = lots(X, generator()).double().flatten() / 2**16
    assert drawn.mean().item() == pytest.approx(0, abs=4 * 12**-0.5 / len(drawn) ** 0.5)
    assert drawn.std().item() == pytest.approx(12**-0.5, rel=0.01)
    correlation = torch.corrcoef(torch.stack([drawn[1:], drawn[:-1]]))[0, 1].item()
    assert abs(correlation) < 4 / len(drawn) ** 0.5
    for fraction in (2**-16, 0.5, 1 - 2**-16):
        all_there_are = torch.arange(-(2**15), 2**15, dtype=torch.int16)
        assert below(all_there_are, fraction).double().mean().item() == fraction


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


def test_input_dropout_is_torchs_own_in_distribution_and_keeps_the_mean():
    dropped = drop(X, 0.4, generator())
    zero = dropped == 0
    assert zero.float().mean().item() == pytest.approx(0.4, abs=0.01)
    torch.testing.assert_close(dropped[~zero], X[~zero] / 0.6)
    torch.testing.assert_close(dropped.mean(), X.mean(), atol=0.01, rtol=0)
    torch.manual_seed(0)
    theirs = torch.nn.functional.dropout(X, 0.4)
    torch.testing.assert_close(dropped.std(), theirs.std(), atol=0.01, rtol=0)


@pytest.mark.parametrize("size", [0.05, 0.25, 0.5, 1.0])
def test_a_block_hides_one_patch_of_each_image_in_all_channels(size):
    hidden = hide_block(X, size, generator()) == 0
    side = max(1, round(16 * size))
    assert torch.equal(hidden[:, 0], hidden[:, 1])
    assert hidden[:, 0].sum(dim=(1, 2)).tolist() == [side**2] * 64
    for axis in (1, 2):  # rows and columns that the patch meets are side neighbours
        places = hidden[:, 0].any(dim=3 - axis)
        first, last = places.int().argmax(dim=1), 15 - places.flip(1).int().argmax(dim=1)
        assert (last - first + 1).tolist() == [side] * 64


def test_a_block_lies_in_every_place_with_the_same_frequency():
    x = torch.ones(20000, 10)
    starts = (hide_block(x, 0.3, generator()) == 0).int().argmax(dim=1)
    shares = torch.bincount(starts, minlength=10) / 20000  # 8 places of 10
    torch.testing.assert_close(shares[:8], torch.full((8,), 1 / 8), atol=0.01, rtol=0)
    assert shares[8:].sum() == 0


def test_a_block_is_a_patch_of_images_and_a_run_of_anything_else():
    assert block_sides((3, 8, 20), 0.25) == {2: (8, 2), 3: (20, 5)}
    assert block_sides((140,), 0.1) == {1: (140, 14)}
    assert block_sides((30, 4), 0.1) == {1: (30, 3)}
    assert block_sides((4,), 0.01) == {1: (4, 1)}
    steps = hide_block(torch.ones(5, 30, 4), 0.1, generator()) == 0
    assert torch.equal(steps.all(dim=2), steps.any(dim=2))  # all values of a step, or none
    assert steps[:, :, 0].sum(dim=1).tolist() == [3] * 5


@KINDS
def test_noise_that_is_fixed_depends_on_the_sample_and_on_nothing_else(section):
    corrupt = build_corruption(section.model_copy(update={"drawn": "fixed"}), BOUNDS)
    noise, index = generator(), torch.arange(64)
    first = corrupt(X, noise, index)
    order = torch.randperm(64, generator=generator(5))
    assert torch.equal(corrupt(X[order], noise, order), first[order])
    assert torch.equal(corrupt(X[7:8], noise, index[7:8]), first[7:8])
    assert not torch.equal(corrupt(X, generator(2), index), first)
    assert not torch.equal(corrupt(X, noise, index + 1), first)


@KINDS
def test_noise_that_is_drawn_anew_differs_at_each_presentation(section):
    corrupt, noise = build_corruption(section, BOUNDS), generator()
    index = torch.arange(64)
    assert not torch.equal(corrupt(X, noise, index), corrupt(X, noise, index))


def test_fixed_noise_has_the_declared_level():
    section = Masking(kind="masking", fraction=0.3, drawn="fixed")
    corrupted = build_corruption(section, None)(X, generator(), torch.arange(64))
    assert (corrupted == 0).float().mean().item() == pytest.approx(0.3, abs=0.01)


def test_fixed_noise_asks_which_samples_these_are():
    corrupt = build_corruption(Masking(kind="masking", fraction=0.3, drawn="fixed"), None)
    with pytest.raises(ValueError, match="needs to know which samples"):
        corrupt(X, generator())


@pytest.mark.parametrize("drawn", ["anew", "fixed"])
@pytest.mark.parametrize("kind", ["masking", "salt_and_pepper", "dropout", "block"])
def test_the_selection_names_exactly_the_components_that_the_noise_touches(kind, drawn):
    section = SECTIONS[kind].model_copy(update={"drawn": drawn})
    index, values = torch.arange(64), X + 7  # no component has a value that noise gives
    corrupted = build_corruption(section, BOUNDS)(values, generator(), index)
    touched = build_selection(section)(values, generator(), index)
    changed = corrupted == 0 if kind == "dropout" else corrupted != values
    assert torch.equal(touched, changed)
    masked_already = build_selection(section)(torch.zeros_like(X), generator(), index)
    assert torch.equal(masked_already, touched)  # whatever the values


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
    assert condition_name(SECTIONS["dropout"]) == "dropout_0.3"
    assert condition_name(SECTIONS["block"]) == "block_0.3"
