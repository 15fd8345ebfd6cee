"""A variational network as a registered model; MLflow runs this file to load it.

What it gives depends on ``params={"mode": ...}``, everything in the units of the dataset:

- ``encode``, the default: ``codes`` ``(n, code_size)``, where the posteriors are centred, and their
  ``reconstructions`` ``(n, *shape)``;
- ``decode``: the input is codes ``(n, code_size)``; their ``reconstructions``;
- ``sample``, with ``samples`` and ``seed``: ``samples`` ``(samples, *shape)`` drawn from the prior;
  the input is not looked at;
- ``interpolate``, with ``steps``: ``interpolations`` ``(n - 1, steps, *shape)``, from each sample
  to the next.
"""

from pathlib import Path
from typing import Any, final

import numpy as np
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from aepipe.consume.predictions import Floats, decoded, described, drawn, interpolated
from aepipe.consume.trained import open_packed
from aepipe.errors import InputError
from aepipe.registry.refusal import refused

DEFAULTS: dict[str, Any] = {"mode": "encode", "samples": 16, "seed": 0, "steps": 9}
MOST = 10_000  # samples or steps of one request; more would be a way to fill a server's memory


@final
class Vae(PythonModel):
    """From samples to codes and back, between samples, and from a seed to new samples."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the network and the description of the dataset."""
        self._model = open_packed(Path(context.artifacts["checksums"]).parent)

    def predict(
        self,
        context: PythonModelContext,
        model_input: np.ndarray,  # a kind that MLflow knows; lists and data frames come too
        params: dict[str, Any] | None = None,
    ) -> dict[str, Floats]:
        """Do what the mode says with any number of samples or codes."""
        asked = {**DEFAULTS, **(params or {})}
        with refused():
            match asked["mode"]:
                case "encode":
                    given = described(self._model, model_input)
                    return {name: given[name] for name in ("codes", "reconstructions")}
                case "decode":
                    return {"reconstructions": decoded(self._model, model_input)}
                case "sample":
                    parts = drawn(self._model, _bounded(asked, "samples"), int(asked["seed"]))
                    return {"samples": np.concatenate(list(parts))}
                case "interpolate":
                    frames = interpolated(self._model, model_input, _bounded(asked, "steps"))
                    return {"interpolations": frames}
                case other:
                    raise InputError(
                        f"params: mode is {other!r}; expected encode, decode, sample or interpolate"
                    )


def _bounded(asked: dict[str, Any], name: str) -> int:
    value = int(asked[name])
    if not 1 <= value <= MOST:
        raise InputError(f"params: {name} is {value}; expected 1 to {MOST} in one request")
    return value


MODEL = Vae()
set_model(MODEL)  # what MLflow takes from this file
