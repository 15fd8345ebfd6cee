"""Put every deployment of ``prefect.yaml`` on the Prefect server, with the work pools they name.

``python -m flows.deploy`` does so from any folder, and may be repeated: deployments are brought up
to date, pools that are there stay as they are. ``PREFECT_API_URL`` says which server.
"""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
from dvc.utils.serialize import load_yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.exceptions import ObjectAlreadyExists
from prefect.settings import get_current_settings
from prefect.workers.process import ProcessWorker

from aepipe.errors import AepipeError

ROOT = Path(__file__).resolve().parents[1]


def deploy(root: Path) -> None:
    """Make the pools that are missing, then the deployments.

    Args:
        root: folder of ``prefect.yaml``.

    Raises:
        AepipeError: the server is not reached, or Prefect refuses a deployment.
    """
    with named_server() as client:
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


@contextlib.contextmanager
def named_server() -> Iterator[SyncPrefectClient]:
    """Give a client of the server that ``PREFECT_API_URL`` names; of no temporary one.

    Raises:
        AepipeError: none is named, or it does not answer.
    """
    url = get_current_settings().api.url
    if url is None:
        raise AepipeError(
            "no Prefect server is named; set PREFECT_API_URL, as http://127.0.0.1:4200/api for the "
            "one of `make server`"
        )
    with get_client(sync_client=True) as client:
        try:
            client.hello().raise_for_status()
        except httpx.HTTPError as error:
            raise AepipeError(
                f"{url}: the Prefect server does not answer ({error}); start one with "
                "`make server`, or set PREFECT_API_URL"
            ) from None
        yield client


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
