import shutil
from pathlib import Path

import pytest

from aepipe.errors import RegistryError
from aepipe.registry.commands import history_lines
from aepipe.registry.relocate import relocate
from aepipe.tracking.server import tracking_uri

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.filterwarnings("ignore"),  # MLflow's own; none of them is ours to mend
]


def test_a_registry_that_was_copied_is_used_where_it_is_once_its_paths_are_right(
    light, alone, tmp_path_factory, monkeypatch
):
    import mlflow
    from mlflow import MlflowClient
    from mlflow.artifacts import download_artifacts

    light(0)
    place = tmp_path_factory.mktemp("elsewhere") / "clone"
    shutil.copytree(alone, place)
    shutil.rmtree(alone / "mlruns" / "artifacts")  # so that nothing can be read from the old place
    monkeypatch.chdir(place)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")  # MLflow sets it to where it has last been
    with pytest.raises(RegistryError, match=r"was moved or copied.*`aepipe relocate` puts them"):
        light(0)
    assert f"lead to {place} now" in relocate()
    assert relocate() == "mlruns/ is where its paths say"
    client = MlflowClient(tracking_uri())
    version = client.get_model_version_by_alias("encoder", "champion")
    files = Path(client.get_logged_model(version.source.removeprefix("models:/")).artifact_location)
    assert files.is_relative_to(place)
    assert (files / "artifacts/model/weights.safetensors").is_file()
    mlflow.set_tracking_uri(tracking_uri())
    downloaded = download_artifacts("models:/encoder@champion", tracking_uri=tracking_uri())
    assert (Path(downloaded) / "README.md").is_file()
    assert len(history_lines("encoder")) == 2


def test_where_there_is_nothing_to_put_right_is_said(alone):
    with pytest.raises(RegistryError, match=r"mlruns/mlflow\.db: is not there"):
        relocate()
