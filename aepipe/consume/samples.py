"""What a trained model takes: samples in the units of the dataset, checked before they are used."""

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aepipe.data.dataset import Dataset
from aepipe.data.parts import Array
from aepipe.errors import InputError

NUMBERS = "biuf"  # numpy's kinds: truth, whole, whole without sign, floating
ROUNDING = 1e-4  # of the range; a reconstruction may leave it by so much and still be a sample
LARGEST = float(np.finfo(np.float32).max)
EXAMPLES = 5


def samples_from(given: Any, dataset: Dataset) -> Array:
    """Take samples and give them as ``(n, *shape)``, of the type that they came in.

    Args:
        given: array or nested lists, ``(n, *shape)`` or ``(n, features)``, for images of one
            channel also ``(n, height, width)``; or a data frame with a column for each feature, or
            with one column of lists. Columns are taken by name where the dataset has names.
        dataset: on which the model was trained.

    Raises:
        InputError: another shape, no numbers, or values that no sample of the dataset can have.
    """
    array = _from_frame(given, dataset) if _is_frame(given) else _from_array(given, dataset)
    array = _shaped(array, dataset)
    _require_range(array, dataset)
    return np.asarray(array, order="C")  # one layout, so one rounding


def expected(dataset: Dataset) -> str:
    """Say what samples of ``dataset`` look like."""
    shape = ", ".join(map(str, dataset.shape))
    flat = f" or (n, {dataset.size})" if len(dataset.shape) > 1 else ""
    low, high = bounds(dataset)
    within = f" from {low:g} to {high:g}" if dataset.value_range else ""
    return f"expected an array (n, {shape}){flat} of numbers{within}, in the units of the dataset"


def bounds(dataset: Dataset) -> tuple[float, float]:
    """Give the smallest and largest value of a sample; float32's own where data have no bounds."""
    if dataset.value_range is None:
        return -LARGEST, LARGEST
    low, high = dataset.unscaled(np.array(dataset.value_range)).tolist()
    return low, high


def example_input(dataset: Dataset, count: int) -> NDArray[np.float32]:
    """Make samples ``(count, *shape)`` that go evenly through the range of the data."""
    low, high = dataset.value_range or (0.0, 0.0)
    even = np.linspace(low, high, count * dataset.size, dtype=np.float32)
    return np.asarray(dataset.unscaled(even.reshape(count, *dataset.shape)), np.float32)


def _is_frame(given: Any) -> bool:
    pandas = sys.modules.get("pandas")  # who has not loaded it has no data frame
    return pandas is not None and isinstance(given, pandas.DataFrame)


def _from_array(given: Any, dataset: Dataset) -> Array:
    try:
        array = np.asarray(given)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"input is not numbers in one rectangular array ({error}); {expected(dataset)}"
        ) from None
    if array.dtype.kind not in NUMBERS:
        what = "text" if array.dtype.kind in "US" else f"values of type {array.dtype}"
        raise InputError(f"input is not numbers but {what}; {expected(dataset)}")
    return array


def _from_frame(frame: Any, dataset: Dataset) -> Array:
    import pandas as pd

    if dataset.columns and not isinstance(frame.columns, pd.RangeIndex):
        missing = [name for name in dataset.columns if name not in frame.columns]
        if missing:
            raise InputError(
                f"input lacks {len(missing)} of the {dataset.size} columns: "
                f"{', '.join(missing[:EXAMPLES])}{', ...' if len(missing) > EXAMPLES else ''}; "
                f"it has {', '.join(map(str, frame.columns[:EXAMPLES]))}; rename or add them"
            )
        frame = frame[dataset.columns]
    if frame.shape[1] == 1 and not pd.api.types.is_numeric_dtype(frame.dtypes.iloc[0]):
        return _from_array(frame.iloc[:, 0].tolist(), dataset)
    text = [name for name, kind in frame.dtypes.items() if not pd.api.types.is_numeric_dtype(kind)]
    if text:
        raise InputError(
            f"input is not numbers in column {text[0]!r} ({len(text)} such); {expected(dataset)}"
        )
    numbers: Array = frame.to_numpy(np.float64, na_value=np.nan)
    return numbers


def _shaped(array: Array, dataset: Dataset) -> Array:
    known = {dataset.shape, (dataset.size,)}
    if dataset.is_image and dataset.shape[0] == 1:
        known.add(dataset.shape[1:])  # grey images, as most libraries have them
    if array.shape[1:] not in known:
        moved = dataset.is_image and array.shape[1:] == (*dataset.shape[1:], dataset.shape[0])
        advice = "; np.moveaxis(array, 3, 1) puts channels first" if moved else ""
        raise InputError(f"input has shape {array.shape}; {expected(dataset)}{advice}")
    if not len(array):
        raise InputError(f"input holds no sample; {expected(dataset)}")
    return array.reshape(-1, *dataset.shape)


def _require_range(array: Array, dataset: Dataset) -> None:
    low, high = bounds(dataset)
    if array.dtype.kind in "biu" and _cannot_leave(array.dtype, low, high):
        return
    least, most = float(array.min()), float(array.max())  # NaN where one is NaN
    if not np.isfinite([least, most]).all() or max(abs(least), abs(most)) > LARGEST:
        raise InputError(f"input holds NaN or infinity; {expected(dataset)}")
    slack = ROUNDING * (high - low) if dataset.value_range else 0.0
    if least < low - slack or most > high + slack:
        raise InputError(f"input holds values from {least:g} to {most:g}; {expected(dataset)}")


def _cannot_leave(dtype: np.dtype[Any], low: float, high: float) -> bool:
    if dtype == np.bool_:
        return low <= 0 and high >= 1
    limits = np.iinfo(dtype)
    return low <= int(limits.min) and high >= int(limits.max)
