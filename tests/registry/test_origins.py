import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from aepipe.errors import RegistryError
from aepipe.registry import commands
from aepipe.registry.origins import which_lines

pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.filterwarnings("ignore"),  # MLflow's own; none of them is ours to mend
]
LOCK = """
schema: '2.0'
stages:
  ingest: {cmd: x, outs: [{path: data/dataset, md5: 0123456789.dir}]}
  pretrain@first:
    cmd: x
    deps: [{path: data/dataset, md5: 0123456789.dir}]
    params: {params.yaml: {seed: 1}}
    outs: [{path: models/stack/first, md5: STACK.dir}]
  unroll:
    cmd: x
    deps: [{path: models/stack, md5: any.dir}]
    params: {params.yaml: {unroll: {epochs: 3}}}
    outs: [{path: models/autoencoder, md5: abcdef9876.dir}]
"""
PARAMS = "seed: 7\ndata: {source: {kind: csv, file: a.csv}}\nunroll: {epochs: 9}\n"


@pytest.fixture
def two_versions(light) -> None:
    """Versions 1 and 2, of which the second came from another stack."""
    Path("params.yaml").write_text(PARAMS)
    for seed, stack in ((0, "555555aa"), (1, "555555bb")):
        Path("dvc.lock").write_text(LOCK.replace("STACK", stack))
        light(seed)


def test_the_chain_goes_from_a_version_to_its_data(two_versions):
    lines = [line.split() for line in commands.where("models:/encoder@previous")]
    assert lines[0][:4] == ["encoder", "version", "1", "models/autoencoder"]
    assert lines[1:4] == [
        ["unroll", "models/autoencoder", "abcdef9876.dir"],
        ["pretrain@first", "models/stack/first", "555555aa.dir"],
        ["ingest", "data/dataset", "0123456789.dir"],
    ]
    assert " ".join(lines[4]) == f"data: source csv (file a.csv), digest {'d' * 32}"
    assert lines[7] == ["device:", "unknown"]


def test_a_version_keeps_the_values_that_were_used_and_not_those_of_an_edited_file(two_versions):
    from mlflow.artifacts import download_artifacts

    kept = Path(download_artifacts("models:/encoder/1/")) / "provenance"
    assert (kept / "params.yaml").read_text().splitlines() == [
        "seed: 1", "data:", "  source:", "    kind: csv", "    file: a.csv", "unroll:",
        "  epochs: 3",
    ]  # fmt: skip
    assert "555555aa" in (kept / "dvc.lock").read_text()


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("pretrain@first", [("1", "another than now"), ("2", "as it is now")]),
        ("pretrain", [("1", "another than now"), ("2", "as it is now")]),
        ("data/dataset", [("1", "as it is now"), ("2", "as it is now")]),
        ("data/dataset/samples.parquet", [("1", "as it is now"), ("2", "as it is now")]),
        ("555555a", [("1", "another than now")]),
        ("d" * 8, [("1", "as it is now"), ("2", "as it is now")]),  # the dataset's own digest
    ],
)
def test_data_and_stages_lead_to_the_versions_that_came_from_them(two_versions, what, expected):
    lines = [line.split(maxsplit=5) for line in commands.which(what, Path())]
    assert [(line[2], line[5]) for line in lines] == expected


def test_what_no_version_came_from_is_said_with_what_is_known(two_versions):
    with pytest.raises(RegistryError, match="ingest, pretrain@first, unroll, the paths data/data"):
        commands.which("finetune", Path())


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("encoder", "expected models:/NAME@ALIAS or models:/NAME/VERSION"),
        ("models:/encoder@best", r"no such version; there is 1, 2; aliases @candidate \(version 2"),
        ("models:/decoder/1", "no such model; there is encoder"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused_with_what_there_is(
    two_versions, address, problem
):
    with pytest.raises(RegistryError, match=problem):
        commands.where(address)


def test_a_version_without_an_origin_says_how_to_make_one_with_it(light):
    light(0)
    with pytest.raises(RegistryError, match=r"without a dvc\.lock .* make a version that does"):
        commands.where("models:/encoder/1")
    with pytest.raises(RegistryError, match="no version says what it came from"):
        commands.which("ingest", Path())


def test_a_version_of_another_hand_is_no_match_and_no_error():
    foreign = SimpleNamespace(name="other", version="1", tags={})
    own = {"aepipe.stages": json.dumps({"ingest": ["data/dataset"]}), "dvc.data/dataset": "0" * 8}
    client = SimpleNamespace(
        search_registered_models=lambda: [SimpleNamespace(name="other")],
        search_model_versions=lambda _: [foreign, SimpleNamespace(name="o", version="2", tags=own)],
    )
    (line,) = which_lines(client, "ingest", Path("nowhere"))
    assert line.startswith("o version 2")
