"""The VAE as a registered model; MLflow runs this file to load it.

With ``params={"mode": "encode"}``, the default, predictions are ``codes`` ``(n, code_size)``, where
the posteriors are centred, and their ``reconstructions`` ``(n, *shape)``. With ``{"mode": "sample",
"samples": 16, "seed": 0}`` they are ``samples`` ``(16, *shape)`` drawn from the prior; the input is
then only checked. All in the units of the dataset.
"""

from pathlib import Path
from typing import Any, cast, final

import numpy as np
import torch
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext
from torch import Tensor

from aepipe.data.dataset import open_dataset
from aepipe.models.files import load_model
from aepipe.models.vae import VariationalNetwork
from aepipe.registry.samples import Floats, apply, samples_from, scaled, unscaled

DEFAULTS: dict[str, Any] = {"mode": "encode", "samples": 16, "seed": 0}


@final
class Vae(PythonModel):
    """From samples to codes and reconstructions, and from a seed to new samples."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the network and the description of the dataset."""
        self._dataset = open_dataset(Path(context.artifacts["dataset"]))
        self._model = cast(VariationalNetwork, load_model(Path(context.artifacts["model"])))

    def predict(
        self,
        context: PythonModelContext,
        model_input: np.ndarray,  # a kind that MLflow knows; data frames come too
        params: dict[str, Any] | None = None,
    ) -> dict[str, Floats]:
        """Encode and reconstruct any number of samples, or draw new ones."""
        asked = {**DEFAULTS, **(params or {})}
        samples = samples_from(model_input, self._dataset)
        match asked["mode"]:
            case "encode":
                codes = apply(self._model.encode, scaled(samples, self._dataset))
                return {"codes": codes.numpy(), "reconstructions": self._decoded(codes)}
            case "sample":
                return {"samples": self._drawn(int(asked["samples"]), int(asked["seed"]))}
            case other:
                raise MlflowException.invalid_parameter_value(
                    f"params: mode is {other!r}; expected 'encode' or 'sample'"
                )

    def _drawn(self, count: int, seed: int) -> Floats:
        if count < 1:
            raise MlflowException.invalid_parameter_value(
                f"params: samples is {count}; expected 1 or more"
            )
        generator = torch.Generator().manual_seed(seed)
        with torch.inference_mode():
            return self._decoded(self._model.prior(count, generator))

    def _decoded(self, codes: Tensor) -> Floats:
        features = apply(lambda rows: self._model.mean(self._model.decode(rows)), codes)
        return unscaled(features, self._dataset)


MODEL = Vae()
set_model(MODEL)  # what MLflow takes from this file
