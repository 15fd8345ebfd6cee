"""The fine-tuned classifier as a registered model; MLflow runs this file to load it.

Predictions: ``probabilities`` ``(n, classes)``; ``label`` ``(n,)``, the most probable class by
number; ``class_name`` ``(n,)``, what the dataset calls it.
"""

from pathlib import Path
from typing import Any, final

import numpy as np
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext
from numpy.typing import NDArray

from aepipe.data.dataset import open_dataset
from aepipe.models.files import load_model
from aepipe.registry.samples import apply, samples_from, scaled

DEFAULTS: dict[str, Any] = {}  # of the params that a caller may give


@final
class ClassifierModel(PythonModel):
    """From samples to class probabilities and labels."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the network and the description of the dataset."""
        self._dataset = open_dataset(Path(context.artifacts["dataset"]))
        self._model = load_model(Path(context.artifacts["model"]))

    def predict(
        self,
        context: PythonModelContext,
        model_input: np.ndarray,  # a kind that MLflow knows; data frames come too
        params: dict[str, Any] | None = None,
    ) -> dict[str, NDArray[Any]]:
        """Classify any number of samples."""
        features = scaled(samples_from(model_input, self._dataset), self._dataset)
        probabilities = apply(self._model, features).softmax(dim=1).numpy()
        label = probabilities.argmax(axis=1)
        return {
            "probabilities": probabilities,
            "label": label,
            "class_name": np.array(self._dataset.classes)[label],
        }


MODEL = ClassifierModel()
set_model(MODEL)  # what MLflow takes from this file
