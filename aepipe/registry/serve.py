"""A model over HTTP: MLflow's own server, with what it leaves open closed.

``mlflow models serve`` answers 500 where a request lacks a content type, nests its JSON deeper than
Python's parser goes, or holds a number of thousands of digits, and takes requests of any size. Here
each of these is answered with a status of 4xx and a message, and nothing else is different.
"""

import gc
import json
from typing import TYPE_CHECKING, Any, final

from aepipe.tracking.server import connect, reached, tracking_uri

if TYPE_CHECKING:
    from fastapi import FastAPI
    from mlflow.pyfunc import PyFuncModel
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOST = "127.0.0.1"  # whoever can reach it can use it: there is no password
LARGEST_MIB = 64  # of a request: about 100,000 images of 28 x 28 as JSON
MIB = 2**20
KINDS = "application/json or application/vnd.apache.parquet"


def serve(where: str, host: str, port: int, largest: int) -> None:
    """Answer requests until the process is ended.

    Args:
        where: ``models:/NAME@ALIAS``, ``models:/NAME/VERSION``, or the folder of an MLflow model.
        host: address to listen on.
        port: to listen on.
        largest: request in MiB.

    Raises:
        RegistryError: the model can't be loaded.
    """
    connect()
    import mlflow
    import uvicorn

    with reached():
        mlflow.set_tracking_uri(tracking_uri())
        model = mlflow.pyfunc.load_model(where)
    app = application(model, largest * MIB)
    # A full collection would go through a million objects of the packages, and take longer than ten
    # requests; those stay until the end, so they need not be looked at.
    gc.freeze()
    uvicorn.run(app, host=host, port=port)


def application(model: "PyFuncModel", largest: int) -> "ASGIApp":
    """Give MLflow's server for ``model``; ``largest`` is that of a request, in bytes."""
    from mlflow.pyfunc import scoring_server

    app: FastAPI = scoring_server.init(model)
    app.add_exception_handler(RecursionError, _too_deep)
    app.add_exception_handler(ValueError, _unreadable)  # a number of too many digits
    return Door(app, largest)


@final
class Door:
    """Turns away requests that MLflow's server has no answer for.

    Args:
        app: the server behind.
        largest: bytes of a request.
    """

    def __init__(self, app: "ASGIApp", largest: int) -> None:
        self._app = app
        self._largest = largest

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one request, or hand it on once the whole of it is there."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if b"content-type" not in headers:
            refusal = _answer(415, f"the request has no Content-Type; expected {KINDS}")
            await refusal(scope, receive, send)
            return
        body = await self._read(int(headers.get(b"content-length", b"0")), receive)
        if body is None:
            most = f"the request is larger than {self._largest / MIB:g} MiB"
            refusal = _answer(413, f"{most}; send fewer samples at once")
            await refusal(scope, receive, send)
            return
        await self._app(scope, _replayed(body, receive), send)

    async def _read(self, declared: int, receive: "Receive") -> bytes | None:
        """Give the whole of a request's body; None where it is too large."""
        body, more = bytearray(), True
        while more and max(declared, len(body)) <= self._largest:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        return None if max(declared, len(body)) > self._largest else bytes(body)


def _replayed(body: bytes, receive: "Receive") -> "Receive":
    """Give the body that has been read, then whatever comes."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> "Message":
        return waiting.pop() if waiting else await receive()

    return again


async def _too_deep(request: "Request", error: Exception) -> "Response":
    return _answer(400, "the JSON is nested too deeply; expected {'inputs': samples}")


async def _unreadable(request: "Request", error: Exception) -> "Response":
    return _answer(400, f"the request can't be read ({error}); expected {{'inputs': samples}}")


def _answer(status: int, message: str) -> "Response":
    from starlette.responses import Response

    body: dict[str, Any] = {"error_code": "INVALID_PARAMETER_VALUE", "message": message}
    return Response(json.dumps(body), status, media_type="application/json")
