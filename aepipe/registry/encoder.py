"""An autoencoder as a registered model; MLflow runs this file to load it.

Predictions: ``codes`` ``(n, code_size)``; ``reconstructions`` ``(n, *shape)`` in the units of the
dataset; ``anomaly_scores`` ``(n,)``, the squared error summed over features in scaled units as the
report gives it, and high for samples unlike those of the training.
"""

from pathlib import Path
from typing import Any, final

import numpy as np
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from aepipe.consume.predictions import Floats, described
from aepipe.consume.trained import open_packed
from aepipe.registry.refusal import refused

DEFAULTS: dict[str, Any] = {}  # of the params that a caller may give


@final
class Encoder(PythonModel):
    """From samples to codes, reconstructions and anomaly scores."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the network and the description of the dataset."""
        self._model = open_packed(Path(context.artifacts["checksums"]).parent)

    def predict(
        self,
        context: PythonModelContext,
        model_input: np.ndarray,  # a kind that MLflow knows; lists and data frames come too
        params: dict[str, Any] | None = None,
    ) -> dict[str, Floats]:
        """Encode and reconstruct any number of samples."""
        with refused():
            return described(self._model, model_input)


MODEL = Encoder()
set_model(MODEL)  # what MLflow takes from this file
