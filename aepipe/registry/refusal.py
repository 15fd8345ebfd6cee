"""How a served model says what is wrong with a request."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import final

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE, ErrorCode

from aepipe.errors import InputError


@final
class Refusal(MlflowException):
    """A request that a model does not take; MLflow's server answers with status 400.

    MLflow's server puts the whole input in front of the message; a client has that already.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason, error_code=INVALID_PARAMETER_VALUE)
        self.reason = reason

    def serialize_as_json(self) -> str:
        """Give the body of the answer."""
        return json.dumps(
            {"error_code": ErrorCode.Name(INVALID_PARAMETER_VALUE), "message": self.reason}
        )


@contextmanager
def refused() -> Iterator[None]:
    """Turn what is wrong with the input into MLflow's exception.

    Raises:
        Refusal: instead of an :class:`InputError`.
    """
    try:
        yield
    except InputError as error:
        raise Refusal(str(error)) from None
