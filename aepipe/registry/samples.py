"""What every registered model does with its input: check it, scale it, run a network over it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import torch
from mlflow.exceptions import MlflowException
from numpy.typing import NDArray
from torch import Tensor

from aepipe.data.dataset import Dataset

ROWS_AT_ONCE = 1000  # bounds memory; changes no result

Floats = NDArray[np.float32]


def samples_from(model_input: Any, dataset: Dataset) -> Floats:
    """Take samples in the units of the dataset and give them as ``(n, *shape)``.

    Args:
        model_input: array ``(n, *shape)`` or ``(n, features)``, or a data frame with one column for
            each feature.
        dataset: on which the model was trained.

    Raises:
        MlflowException: another shape, or values that are not finite numbers (a server answers
            with status 400).
    """
    raw = model_input.to_numpy() if isinstance(model_input, pd.DataFrame) else model_input
    try:
        array = np.asarray(raw, np.float32, order="C")  # one layout, so one rounding
    except (TypeError, ValueError) as error:
        raise MlflowException.invalid_parameter_value(
            f"input is not numbers in one rectangular array ({error}); {_expected(dataset)}"
        ) from None
    if array.shape[1:] not in (dataset.shape, (dataset.size,)):
        raise MlflowException.invalid_parameter_value(
            f"input has shape {array.shape}; {_expected(dataset)}"
        )
    if not np.isfinite(array).all():
        raise MlflowException.invalid_parameter_value(
            f"input holds NaN or infinity; {_expected(dataset)}"
        )
    return array.reshape(-1, *dataset.shape)


def apply(function: Callable[[Tensor], Tensor], features: Tensor) -> Tensor:
    """Run ``function`` over the rows of ``features``, a bounded number at a time."""
    with torch.inference_mode():
        return torch.cat([function(rows) for rows in torch.split(features, ROWS_AT_ONCE)])


def scaled(samples: Floats, dataset: Dataset) -> Tensor:
    """Turn samples ``(n, *shape)`` into what the networks see."""
    return torch.from_numpy(np.asarray(dataset.scaled(samples), np.float32))


def unscaled(features: Tensor, dataset: Dataset) -> Floats:
    """Turn what networks give back into the units of the dataset."""
    return np.asarray(dataset.unscaled(features.numpy()), np.float32)


def _expected(dataset: Dataset) -> str:
    shape = ", ".join(map(str, dataset.shape))
    return f"expected an array (n, {shape}) or (n, {dataset.size}), in the units of the dataset"
