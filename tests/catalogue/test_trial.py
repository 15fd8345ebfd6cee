"""Every entry of the catalogue, trained and judged on the digits."""

from pathlib import Path

import pytest

from aepipe.catalogue.trial import LIMITED, Trial, trials
from aepipe.experiments.files import experiment_params, read_experiment
from aepipe.monitor import Silent
from aepipe.params.root import Params

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def params() -> Params:
    experiment = read_experiment(ROOT / "experiments", "catalogue")
    return experiment_params(experiment, ROOT / "params.yaml", "catalogue")[1]


def test_falling_short_is_said_and_a_deliberate_limit_is_not():
    poor = Trial("poor", 2, 4.0, -0.1, 0.5, 1.0)
    assert poor.shortfalls(limited=False) == [
        "poor reconstructs no better than predicting the mean",
        "poor has 50.0% linear-probe accuracy",
    ]
    assert len(poor.shortfalls(limited=True)) == 1
    assert Trial("good", 2, 1.0, 0.1, 0.9, 1.0).shortfalls(limited=False) == []


def test_what_is_called_limited_is_an_entry(params):
    assert set(LIMITED) <= set(params.models)


@pytest.mark.slow
def test_every_entry_beats_the_mean_and_keeps_the_classes_apart(params, tmp_path):
    done = list(trials(params, tmp_path, Silent()))
    assert [trial.name for trial in done] == [*params.models, "stack"]
    assert [line for trial in done for line in trial.shortfalls(trial.name in LIMITED)] == []
