from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from prefect.cli.deploy._models import (
    ConcurrencyLimitSpec,
    DeploymentConfig,
    PrefectYamlModel,
    RawScheduleConfig,
    WorkPoolConfig,
)
from prefect.client.schemas.objects import ConcurrencyLimitStrategy
from prefect.client.schemas.schedules import CronSchedule
from prefect.flows import load_flow_from_entrypoint
from pydantic import BaseModel
from ruamel.yaml import YAML

from flows.away import Workers
from flows.graph import read_graph
from flows.pools import FLOW

# dvc uses what its dependency pygtrie is about to change
pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "prefect.yaml").read_text()
RAW = YAML(typ="safe").load(TEXT)

# Where Prefect's own types describe a mapping of the file.
TYPES: dict[str, type[BaseModel]] = {
    "": PrefectYamlModel,
    "deployments": DeploymentConfig,
    "deployments.work_pool": WorkPoolConfig,
    "deployments.schedules": RawScheduleConfig,
    "deployments.concurrency_limit": ConcurrencyLimitSpec,
}


def unknown_keys(value: object, place: str = "") -> list[str]:
    """Keys that Prefect would ignore, which it does without a word."""
    if isinstance(value, list):
        return [key for item in value for key in unknown_keys(item, place)]
    if not isinstance(value, dict) or place not in TYPES:
        return []
    fields = TYPES[place].model_fields
    known = {field.alias or name for name, field in fields.items()}
    found = [f"{place}.{key}".strip(".") for key in value if key not in known]
    for key, inner in value.items():
        found += unknown_keys(inner, f"{place}.{key}".strip("."))
    return found


def test_prefect_knows_every_key():
    PrefectYamlModel.model_validate(RAW)
    assert unknown_keys(RAW) == []


def named(name: str) -> DeploymentConfig:
    (found,) = (d for d in PrefectYamlModel.model_validate(RAW).deployments if d.name == name)
    return found


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (lambda raw: raw, "nonsense"),
        (lambda raw: raw["deployments"][0], "deployments.nonsense"),
        (lambda raw: raw["deployments"][0]["work_pool"], "deployments.work_pool.nonsense"),
        (lambda raw: raw["deployments"][2]["schedules"][0], "deployments.schedules.nonsense"),
    ],
)
def test_a_key_that_prefect_does_not_know_is_seen(place, expected):
    raw = YAML(typ="safe").load(TEXT)
    place(raw)["nonsense"] = 1
    assert unknown_keys(raw) == [expected]


SCHEDULED = ["nightly", "on-new-data"]


@pytest.mark.parametrize("name", SCHEDULED)
def test_schedules_are_cron_in_a_named_time_zone(name):
    (schedule,) = named(name).schedules
    assert isinstance(schedule, RawScheduleConfig)
    CronSchedule(cron=schedule.cron, timezone=schedule.timezone)
    assert ZoneInfo(schedule.timezone).key == schedule.timezone


def test_nightly_is_at_night():
    minute, hour, *rest = named("nightly").schedules[0].cron.split()
    assert rest == ["*", "*", "*"]
    assert minute.isdigit()
    assert int(hour) < 6


@pytest.mark.parametrize(
    ("name", "strategy"),
    [
        ("nightly", ConcurrencyLimitStrategy.ENQUEUE),
        ("on-new-data", ConcurrencyLimitStrategy.CANCEL_NEW),
    ],
)
def test_runs_do_not_overlap(name, strategy):
    limit = named(name).concurrency_limit
    assert isinstance(limit, ConcurrencyLimitSpec)
    assert limit.limit == 1
    assert ConcurrencyLimitStrategy(limit.collision_strategy) is strategy


def test_what_hands_out_stages_does_not_take_the_places_of_stages():
    work_pools = {
        d.name: d.work_pool.name for d in PrefectYamlModel.model_validate(RAW).deployments
    }
    coordinators = {work_pools.pop(name) for name in SCHEDULED}
    assert work_pools
    assert not coordinators & set(work_pools.values())


@pytest.mark.parametrize("name", SCHEDULED)
def test_entrypoint_is_a_flow_that_takes_the_declared_parameters(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    deployment = named(name)
    flow = load_flow_from_entrypoint(deployment.entrypoint)
    values = flow.validate_parameters(deployment.parameters | {"workers": {}})
    assert values["root"] == Path()
    assert values["at_once"] >= 1
    assert values["workers"] == Workers()


def test_each_pool_of_the_graph_has_a_deployment_that_takes_jobs(monkeypatch):
    monkeypatch.chdir(ROOT)
    pools = set(read_graph(ROOT).pools.values())
    assert pools == {"cpu", "cuda"}
    for pool in pools:
        deployment = named(pool)
        flow = load_flow_from_entrypoint(deployment.entrypoint)
        assert f"{flow.name}/{deployment.name}" == f"{FLOW}/{pool}"
        assert deployment.work_pool.name == pool


@pytest.mark.parametrize("name", [d.name for d in PrefectYamlModel.model_validate(RAW).deployments])
def test_no_folder_of_the_deployer_gets_into_a_deployment(name):
    """Without `pull` steps Prefect writes one that names the folder one deploys from, and an
    environment variable in them would be replaced while deploying."""
    deployment = named(name)
    assert deployment.pull
    assert "$" not in repr(deployment.pull)
    assert str(Path.home()) not in TEXT
    assert str(ROOT) not in TEXT
