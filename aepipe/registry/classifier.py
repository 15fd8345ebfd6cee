"""The fine-tuned classifier as a registered model; MLflow runs this file to load it.

Predictions: ``probabilities`` ``(n, classes)``; ``label`` ``(n,)``, the most probable class by
number; ``class_name`` ``(n,)``, what the dataset calls it.
"""

from pathlib import Path
from typing import Any, final

import numpy as np
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from aepipe.consume.predictions import classified
from aepipe.consume.trained import open_packed
from aepipe.data.parts import Array
from aepipe.registry.refusal import refused

DEFAULTS: dict[str, Any] = {}  # of the params that a caller may give


@final
class ClassifierModel(PythonModel):
    """From samples to class probabilities and labels."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the network and the description of the dataset."""
        self._model = open_packed(Path(context.artifacts["checksums"]).parent)

    def predict(
        self,
        context: PythonModelContext,
        model_input: np.ndarray,  # a kind that MLflow knows; lists and data frames come too
        params: dict[str, Any] | None = None,
    ) -> dict[str, Array]:
        """Classify any number of samples."""
        with refused():
            return classified(self._model, model_input)


MODEL = ClassifierModel()
set_model(MODEL)  # what MLflow takes from this file
