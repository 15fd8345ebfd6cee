"""Asking Prefect's server, which may be away for a while: restarted, or behind a bad network."""

import os
import time
from collections.abc import Callable
from typing import TypeVar

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import PrefectHTTPStatusError

Value = TypeVar("Value")

PATIENCE_SECONDS = 600.0  # for a server that is away; then the run is lost
PAUSE = 1.0  # seconds between two tries
LIFE = "aepipe.sign"  # label of a run at work: a number that rises
INTERVAL = "aepipe.interval"  # label: seconds between two of them
OUTCOMES = "outcomes"  # key of the artifact with what became of each stage


def interval() -> float:
    """Give the seconds between two signs of life: ``AEPIPE_SIGN_SECONDS``, else 15."""
    return float(os.environ.get("AEPIPE_SIGN_SECONDS", 15))


def patiently(request: Callable[[], Value], patience: float = PATIENCE_SECONDS) -> Value:
    """Try again while the server is away.

    Raises:
        httpx.TransportError: it was, for ``patience`` seconds.
    """
    end = time.monotonic() + patience
    while True:
        try:
            return request()
        except PrefectHTTPStatusError as error:
            if error.response.status_code < 500 or time.monotonic() > end:
                raise
        except httpx.TransportError:
            if time.monotonic() > end:
                raise
        time.sleep(PAUSE)


def reach(
    request: Callable[[SyncPrefectClient], Value], patience: float = PATIENCE_SECONDS
) -> Value:
    """Ask the server once it can be reached.

    Raises:
        httpx.TransportError: it couldn't, for ``patience`` seconds.
    """

    def ask() -> Value:
        with get_client(sync_client=True) as client:
            return request(client)

    return patiently(ask, patience)
