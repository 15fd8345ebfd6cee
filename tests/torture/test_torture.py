"""A few faults of `make torture`, on a small graph; docs/reliability.md has the rest."""

import pytest

from tests.torture.__main__ import table
from tests.torture.faults import FAULTS
from tests.torture.ground import OBJECTS, Ground
from tests.torture.trial import attempt, choose

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")
CHEAP = ("kill-stage", "kill-dvc", "kill-all", "interrupt", "truncate-checkpoint", "corrupt-cache")


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    made = Ground(tmp_path_factory.mktemp("torture"))
    made.make()
    return made


@pytest.mark.slow
@pytest.mark.pipeline
@pytest.mark.parametrize("fault", CHEAP)
def test_what_a_fault_has_disturbed_ends_as_if_it_had_not_been(fault, ground):
    result = attempt(ground, fault, seed=1000)
    assert result.differences == (), result.said
    assert result.recovered


@pytest.mark.slow
@pytest.mark.pipeline
def test_a_difference_would_be_seen(ground):
    """Else nothing above could fail."""
    from tests.torture.trial import differences

    ground.reset(["report"])
    assert any("report" in each for each in differences(ground, ["report"]))
    ground.reset([])
    assert differences(ground, []) == []
    output = ground.clone / "models/vae/weights.safetensors"
    cached = next(path for path in (ground.clone / OBJECTS).rglob("*") if path.is_file())
    for path in (output, cached):
        path.chmod(0o644)
        with path.open("r+b") as file:
            file.write(b"other")
    found = differences(ground, [])
    assert "models/vae/weights.safetensors" in found
    assert f"cache: {cached.relative_to(ground.clone / OBJECTS)} is damaged" in found


def test_there_are_more_than_ten_kinds_and_a_seed_says_what_each_strikes():
    assert len(FAULTS) > 10
    needs = {"a": frozenset(), "b": frozenset("a"), "c": frozenset("ab")}
    from random import Random

    chains = {choose(needs, (), Random(seed)) for seed in range(50)}  # noqa: S311
    assert chains == {choose(needs, (), Random(seed)) for seed in range(50)}  # noqa: S311
    assert ("a", "b", "c") in chains
    assert all(b in {*"bc"} for chain in chains for b in chain[1:])


def test_the_table_counts_what_struck_alone():
    good = {"fault": "kill-stage", "struck": True, "runs": 1, "differences": []}
    bad = {**good, "runs": 2, "differences": ["dvc.lock: vae"]}
    late = {**good, "struck": False}
    lines = table([good, bad, late]).splitlines()
    assert "| kill-stage | 2 | 1 | 1 | 1 |" in lines
    assert lines[-1] == "| all | 2 | 1 | 1 | 1 |"
