"""What `make server`, `make deploy` and `make worker` set up, with either kind of database."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from aepipe.errors import AepipeError
from flows.deploy import pools, require_answer
from tests.flows.conftest import make_toy
from tests.postgres import free_port

pytestmark = pytest.mark.pipeline

ROOT = Path(__file__).parents[2]
SECONDS = 400.0  # for what takes a few on an idle machine


@pytest.fixture(
    scope="module", params=[pytest.param("sqlite", marks=pytest.mark.slow), "postgresql"]
)
def setting(request, tmp_path_factory) -> dict[str, str]:
    """Environment of a person who has none of our variables set but those of this server."""
    own = ("MLFLOW_", "PREFECT_", "AEPIPE_", "DVC_", "CUDA_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(own)}
    port = free_port()
    kept |= {
        "PREFECT_HOME": str(tmp_path_factory.mktemp("server") / "prefect"),
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
    }
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").new_database()
        kept["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = url.replace("://", "+asyncpg://")
    return kept


@pytest.fixture(scope="module")
def api(setting, tmp_path_factory) -> Iterator[httpx.Client]:
    """Client of a server that `make server` has started."""
    log = tmp_path_factory.mktemp("log") / "server"
    with (
        made(["server"], setting, log),
        httpx.Client(base_url=setting["PREFECT_API_URL"], timeout=60) as client,
    ):
        wait(lambda: answers(client), log)
        yield client


@pytest.fixture(scope="module")
def deployments(api, setting, tmp_path_factory) -> list[dict]:
    """What the server knows after `make deploy` from another folder."""
    done = subprocess.run(
        make("deploy"),
        cwd=tmp_path_factory.mktemp("elsewhere"),
        env=setting,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return api.post("/deployments/filter", json={}).json()


def make(*words: str) -> list[str]:
    return ["make", "--no-print-directory", "-C", str(ROOT), "READY=", *words]


@contextlib.contextmanager
def made(words: list[str], environment: dict[str, str], log: Path) -> Iterator[None]:
    """Keep a target of the Makefile running; it ends with all that it has started."""
    with log.open("wb") as said:
        process = subprocess.Popen(
            make(*words), env=environment, stdout=said, stderr=said, start_new_session=True
        )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)  # SIGINT is ignored by jobs of the background
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(60)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait(condition: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/health").is_success
    except httpx.TransportError:
        return False


def test_every_declared_deployment_is_there_once_with_its_pool(deployments, api):
    names = [deployment["name"] for deployment in deployments]
    assert "nightly" in names
    assert len(names) == len(set(names))
    found = api.post("/work_pools/filter", json={}).json()
    assert {pool["name"] for pool in found} == set(pools(ROOT))
    assert {pool["type"] for pool in found} == {"process"}


def test_nothing_of_the_deployers_machine_is_in_a_deployment(deployments):
    assert deployments
    text = json.dumps(deployments)
    for private in (str(ROOT), str(Path.home()), os.uname().nodename, "elsewhere"):
        assert private not in text.replace('"work_queue_name"', "")
    assert [deployment["path"] for deployment in deployments] == [None] * len(deployments)


def test_the_schedule_plans_runs(deployments, api, setting, tmp_path):
    """What no test of the declaration sees: a scheduler that fails at each try to plan one."""
    planned = {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}
    wait(lambda: api.post("/flow_runs/count", json=planned).json() > 0, Path(os.devnull))


def test_a_server_that_refuses_or_is_away_is_said_to_do_so():
    """Without a server: the client is told what to answer."""

    def told(answer: Callable[[httpx.Request], httpx.Response]) -> str:
        client = SimpleNamespace(api_url="http://there/api")
        inner = httpx.Client(transport=httpx.MockTransport(answer), base_url=client.api_url)
        client.hello = lambda: inner.get("/hello")
        with pytest.raises(AepipeError) as error:
            require_answer(client)
        return str(error.value)

    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    assert "401 Unauthorized" in told(lambda request: httpx.Response(401, request=request))
    assert "start one with `make server`" in told(away)


def test_a_worker_runs_a_deployment_and_shows_it_one_gpu(deployments, api, setting, tmp_path):
    clone = make_toy(tmp_path / "clone")
    shutil.copytree(ROOT / "flows", clone / "flows")
    declared = (clone / "dvc.yaml").read_text()
    (clone / "dvc.yaml").write_text(declared.replace("cat seed", "echo $CUDA_VISIBLE_DEVICES"))
    nightly = next(each for each in deployments if each["name"] == "nightly")
    run = api.post(f"/deployments/{nightly['id']}/create_flow_run", json={}).json()["id"]
    log = tmp_path / "log"
    words = ["worker", f"POOL={nightly['work_pool_name']}", "GPU=5"]
    with made(words, setting | {"AEPIPE_ROOT": str(clone)}, log):
        wait(lambda: state(api, run) in {"COMPLETED", "FAILED", "CRASHED"}, log)
    assert state(api, run) == "COMPLETED", log.read_text()
    assert (clone / "source").read_text() == "5\n"


def state(api: httpx.Client, run: str) -> str:
    return str(api.get(f"/flow_runs/{run}").json()["state_type"])
