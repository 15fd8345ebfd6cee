"""An autoencoder as a registered model; MLflow runs this file to load it.

Predictions: ``codes`` ``(n, code_size)``; ``reconstructions`` ``(n, *shape)`` in the units of the
dataset; ``squared_error`` ``(n,)``, summed over features in scaled units as the report gives it,
and high for samples unlike those of the training.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, final

import numpy as np
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from aepipe.data.dataset import open_dataset
from aepipe.models.files import load_model
from aepipe.registry.samples import Floats, apply, samples_from, scaled, unscaled

if TYPE_CHECKING:  # it reads more kinds of folders, with packages that are not needed here
    from aepipe.representation import Network

DEFAULTS: dict[str, Any] = {}  # of the params that a caller may give


@final
class Encoder(PythonModel):
    """From samples to codes, reconstructions and squared errors."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the network and the description of the dataset."""
        self._dataset = open_dataset(Path(context.artifacts["dataset"]))
        self._model = cast("Network", load_model(Path(context.artifacts["model"])))

    def predict(
        self,
        context: PythonModelContext,
        model_input: np.ndarray,  # a kind that MLflow knows; data frames come too
        params: dict[str, Any] | None = None,
    ) -> dict[str, Floats]:
        """Encode and reconstruct any number of samples."""
        features = scaled(samples_from(model_input, self._dataset), self._dataset)
        codes = apply(self._model.encode, features)
        reconstructions = apply(lambda rows: self._model.mean(self._model.decode(rows)), codes)
        squared_error = (reconstructions - features).square().flatten(1).sum(dim=1)
        return {
            "codes": codes.numpy(),
            "reconstructions": unscaled(reconstructions, self._dataset),
            "squared_error": squared_error.numpy(),
        }


MODEL = Encoder()
set_model(MODEL)  # what MLflow takes from this file
