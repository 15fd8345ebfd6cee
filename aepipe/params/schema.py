"""The JSON schema of ``params.yaml``, with which editors complete and check it."""

from typing import Any

from aepipe.params.root import Params


def params_schema() -> dict[str, Any]:
    """Give the schema of ``params.yaml``, generated from its types."""
    schema = Params.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
