"""Put every deployment of ``prefect.yaml`` on the Prefect server, with the work pools they name.

``python -m flows.deploy`` does so from any folder, and may be repeated: deployments are brought up
to date, pools that are there stay as they are. ``PREFECT_API_URL`` says which server.
"""

import contextlib
import subprocess
import sys
from pathlib import Path

import httpx
from dvc.utils.serialize import load_yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectAlreadyExists
from prefect.workers.process import ProcessWorker

from aepipe.errors import AepipeError
from flows.pools import require_server

ROOT = Path(__file__).resolve().parents[1]


def deploy(root: Path) -> None:
    """Make the pools that are missing, then the deployments.

    Args:
        root: folder of ``prefect.yaml``.

    Raises:
        AepipeError: no server is set or it does not answer, or Prefect refuses a deployment.
    """
    require_server()
    with get_client(sync_client=True) as client:
        require_answer(client)
        for pool in pools(root):
            make_pool(client, pool)
    command = [sys.executable, "-m", "prefect", "deploy", "--all", "--no-prompt"]
    if subprocess.run(command, cwd=root, check=False).returncode:
        raise AepipeError("Prefect refused a deployment, as it says above; see prefect.yaml")


def pools(root: Path) -> list[str]:
    """Give the work pools that the deployments of ``prefect.yaml`` name, each once."""
    declared = load_yaml(str(root / "prefect.yaml"))["deployments"]
    return list(dict.fromkeys(deployment["work_pool"]["name"] for deployment in declared))


def make_pool(client: SyncPrefectClient, name: str) -> None:
    """Make a pool for processes; one of that name that is there stays as it is."""
    template = ProcessWorker.get_default_base_job_template()
    with contextlib.suppress(ObjectAlreadyExists):
        client.create_work_pool(
            WorkPoolCreate(name=name, type=ProcessWorker.type, base_job_template=template)
        )


def require_answer(client: SyncPrefectClient) -> None:
    """Ask the server for a sign of life.

    Raises:
        AepipeError: it gives none.
    """
    try:
        client.hello().raise_for_status()
    except httpx.HTTPStatusError as error:
        raise AepipeError(
            f"{client.api_url}: refused ({error.response.status_code} "
            f"{error.response.reason_phrase}); expected a Prefect server; set PREFECT_API_URL, and "
            "PREFECT_API_AUTH_STRING where it asks for a password"
        ) from None
    except httpx.HTTPError as error:
        raise AepipeError(
            f"{client.api_url}: the Prefect server does not answer ({error}); start one with "
            "`make server`, or set PREFECT_API_URL"
        ) from None


def main() -> int:
    """Deploy from a command line; 2 for a user's mistake."""
    try:
        deploy(ROOT)
    except AepipeError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
