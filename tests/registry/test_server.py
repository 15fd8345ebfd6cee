"""A registry that is a server: ``mlflow server`` over PostgreSQL, with a place for files."""

import os
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

from aepipe.errors import RegistryError
from aepipe.monitor import Silent
from aepipe.registry.commands import history_lines, roll_back_champion
from aepipe.registry.synchronise import synchronise
from tests.postgres import free_port
from tests.registry.conftest import describe, only_encoder
from tests.servers import end, serving

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.filterwarnings("ignore"),  # MLflow's own; none of them is ours to mend
]


def aliases(address: str) -> dict[str, int]:
    model = MlflowClient(address).get_registered_model("encoder")
    return {alias: int(version) for alias, version in model.aliases.items()}


def test_a_server_over_postgresql_keeps_versions_that_any_folder_loads(
    make_models, postgres_url, tmp_path_factory, monkeypatch
):
    """It dies in the middle of registering and comes back; nothing is half there."""
    import mlflow

    address = f"http://127.0.0.1:{free_port()}"
    place = tmp_path_factory.mktemp("server")
    programs = Path(sys.executable).parent
    environment = os.environ | {
        "MLFLOW_BACKEND_STORE_URI": postgres_url.replace("://", "+psycopg2://", 1),
        "MLFLOW_ARTIFACTS_DESTINATION": str(place / "artifacts"),
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
    }
    command = [str(programs / "mlflow"), "server", "--host", "127.0.0.1", "--workers", "1"]
    command += ["--port", address.rpartition(":")[2]]
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    registry = only_encoder("encoder")

    def register(seed: int) -> None:
        make_models(seed)
        describe(1.5, registry)
        synchronise(registry, Path(), Silent())

    with serving(command, place, environment, f"{address}/health") as server:
        register(0)
        assert aliases(address) == {"candidate": 1, "champion": 1}
        alive = MlflowClient.create_model_version

        def killed(self, *arguments, **named):
            end(server, signal.SIGKILL)
            return alive(self, *arguments, **named)

        with monkeypatch.context() as patch:
            patch.setattr(MlflowClient, "create_model_version", killed)
            with pytest.raises(RegistryError, match="`aepipe register` registers once that is"):
                register(1)
    with serving(command, place, environment, f"{address}/health"):
        assert aliases(address) == {"candidate": 1, "champion": 1}
        register(1)
        register(1)
        assert aliases(address) == {"candidate": 2, "champion": 2, "previous": 1}
        monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
        mlflow.set_tracking_uri(address)
        model = mlflow.pyfunc.load_model("models:/encoder@champion")
        assert model.predict(np.zeros((5, 1, 4, 4), np.float32))["codes"].shape == (5, 3)
        roll_back_champion("encoder", "over there")
        assert aliases(address) == {"candidate": 2, "champion": 1}
        assert len(history_lines("encoder")) == 4
