"""What samples may look like, and what is said of those that may not."""

import numpy as np
import pandas as pd
import pytest

from aepipe.consume.predictions import features
from aepipe.consume.samples import samples_from
from aepipe.errors import InputError

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 17, (5, 1, 4, 4)).astype(np.uint8)
TABLE = RNG.normal(size=(5, 3)).astype(np.float32)
COLUMNS = ("height", "width", "depth")


@pytest.mark.parametrize(
    "given",
    [
        IMAGES,
        IMAGES.astype(np.float64),
        IMAGES.astype(np.int64).tolist(),
        IMAGES.reshape(5, 16),
        IMAGES[:, 0],
        np.asfortranarray(IMAGES),
        pd.DataFrame(IMAGES.reshape(5, 16)),
        pd.DataFrame(IMAGES.reshape(5, 16)).astype("Int64"),
        pd.DataFrame({"image": list(IMAGES.reshape(5, 16).tolist())}),
        pd.DataFrame({"image": list(IMAGES)}),
    ],
    ids=[
        "bytes",
        "doubles",
        "lists",
        "flat",
        "grey",
        "by column",
        "frame",
        "Int64",
        "rows",
        "arrays",
    ],
)
def test_images_come_in_any_form_and_mean_the_same(trained, given):
    model = trained("encoder")
    np.testing.assert_array_equal(features(model, given), features(model, IMAGES))


def test_one_sample_is_a_batch(trained):
    assert features(trained("encoder"), IMAGES[2]).shape == (1, 1, 4, 4)


def test_columns_of_a_frame_are_taken_by_name_and_others_let_be(trained):
    model = trained("encoder", (3,), COLUMNS)
    frame = pd.DataFrame(TABLE, columns=list(COLUMNS))
    turned = frame[["depth", "height", "width"]].assign(name="x")
    np.testing.assert_array_equal(features(model, turned), features(model, TABLE))
    np.testing.assert_array_equal(features(model, pd.DataFrame(TABLE)), features(model, TABLE))
    with pytest.raises(InputError, match="lacks 1 of the 3 columns: depth; it has height, width"):
        samples_from(frame[["height", "width"]], model.dataset)


def test_data_without_bounds_may_have_any_finite_value(trained):
    model = trained("encoder", (3,), COLUMNS)
    assert samples_from(TABLE * 1e9, model.dataset).shape == (5, 3)


WRONG = {
    "shape": (
        IMAGES[:, :, :3],
        r"shape \(5, 1, 3, 4\); expected an array \(n, 1, 4, 4\) or \(n, 16",
    ),
    "one number": (3, r"shape \(\); expected"),
    "none": (IMAGES[:0], "holds no sample; expected"),
    "nothing": (None, "not numbers but values of type object"),
    "ragged": ([[1, 2], [3]], "not numbers in one rectangular array"),
    "text": (IMAGES.reshape(5, 16).astype(str), "not numbers but text"),
    "null": ([[None] * 16], "not numbers but values of type object"),
    "dates": (np.zeros((1, 16), "M8[s]"), "not numbers but values of type datetime"),
    "complex": (IMAGES * 1j, "not numbers but values of type complex128"),
    "too large": (IMAGES * 16.0, "values from 0 to 256; expected .* from 0 to 16, in the units"),
    "negative": (-IMAGES.astype(np.int64), "values from -16 to 0; expected"),
    "bytes beyond": (IMAGES + np.uint8(200), "values from 200 to 216"),
    "not a number": (IMAGES * np.nan, "NaN or infinity"),
    "infinite": (IMAGES * 1e300, "NaN or infinity"),
    "a column of text": (pd.DataFrame(IMAGES.reshape(5, 16)).astype({3: str}), "in column 3"),
    "a frame too narrow": (pd.DataFrame(IMAGES.reshape(10, 8)), r"shape \(10, 8\)"),
    "a missing cell": (pd.DataFrame(IMAGES.reshape(5, 16)).replace(16, np.nan), "NaN or infinity"),
}


@pytest.mark.filterwarnings("ignore:overflow encountered")
@pytest.mark.parametrize(("given", "message"), WRONG.values(), ids=WRONG)
def test_what_no_sample_can_be_is_refused_with_what_was_expected(trained, given, message):
    with pytest.raises(InputError, match=message):
        samples_from(given, trained("encoder").dataset)


def test_channels_last_is_told_the_way_out(trained):
    with pytest.raises(InputError, match="moveaxis"):
        samples_from(np.zeros((2, 4, 4, 3)), trained("encoder", (3, 4, 4)).dataset)


def test_what_is_too_far_from_the_training_data_is_refused_and_not_given_as_infinity(trained):
    from aepipe.consume.predictions import described

    model = trained("encoder", (3,), COLUMNS)
    with pytest.raises(InputError, match="check its units"):
        described(model, TABLE * 1e37)
