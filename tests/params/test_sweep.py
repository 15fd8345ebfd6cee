"""What a sweep declares: its members, and every way in which it can be wrong."""

import copy
from pathlib import Path

import pytest

from aepipe.errors import ParamsError
from aepipe.params.load import read_yaml, validate
from aepipe.params.members import settings
from aepipe.params.root import Params
from aepipe.params.sweep import Sweep

RAW = read_yaml(Path(__file__).parents[2] / "params.yaml")
BASE = RAW["sweep"]["denoising"]
RANGES = {
    "corruption.fraction": {"kind": "uniform", "low": 0.0, "high": 0.5},
    "training.learning_rate": {"kind": "log_uniform", "low": 0.0001, "high": 0.1},
    "architecture.code_size": {"kind": "integers", "low": 65, "high": 67},
    "reconstruction": {"kind": "choice", "values": ["squared", "bernoulli"]},
}


def declared(**changes) -> Sweep:
    return validate(Sweep, copy.deepcopy(BASE) | changes, "a sweep")


def whole(**sweeps) -> Params:
    raw = copy.deepcopy(RAW) | {"sweep": {n: copy.deepcopy(BASE) | s for n, s in sweeps.items()}}
    return validate(Params, raw, "params.yaml")


def refusals(**sweeps) -> list[str]:
    with pytest.raises(ParamsError) as error:
        whole(**sweeps)
    return [line.strip() for line in str(error.value).splitlines()[1:]]


def sampled(members, **ranges):
    return {"kind": "random", "members": members, "ranges": ranges}


def test_grid_has_every_combination_in_order():
    rates, levels = [0.1, 0.2], [0.0, 0.5, 1.0]
    search = {"training.learning_rate": rates, "corruption.fraction": levels}
    found = settings("x", declared(search={"kind": "grid", "values": search}), seed=1)
    pairs = [(s.model.training.learning_rate, s.model.corruption.fraction) for s in found]
    assert pairs == [(rate, level) for rate in rates for level in levels]
    assert [tuple(s.values.values()) for s in found] == pairs


def test_random_sample_depends_on_seed_and_path_alone():
    def drawn(seed, members=50, ranges=RANGES, name="x"):
        sweep = declared(search=sampled(members, **ranges))
        return [setting.values for setting in settings(name, sweep, seed)]

    first = drawn(1)
    assert first == drawn(1)
    assert first != drawn(2)
    assert first != drawn(1, name="y")
    assert first[:9] == drawn(1, members=9)
    fewer = dict(list(RANGES.items())[1:])
    assert [each["training.learning_rate"] for each in first] == [
        each["training.learning_rate"] for each in drawn(1, ranges=fewer)
    ]


def test_random_sample_fills_its_ranges():
    found = settings("x", declared(search=sampled(400, **RANGES)), seed=1)
    levels = [s.model.corruption.fraction for s in found]
    rates = [s.model.training.learning_rate for s in found]
    assert 0 <= min(levels) < 0.02 < 0.48 < max(levels) <= 0.5
    assert 0.0001 <= min(rates) < 0.0002 < 0.05 < max(rates) <= 0.1
    # half of them below the middle order of magnitude; 4 standard errors are 0.1
    assert abs(sum(rate < 10**-2.5 for rate in rates) / len(rates) - 0.5) < 0.1
    assert {s.model.architecture.code_size for s in found} == {65, 66, 67}
    assert {s.model.reconstruction for s in found} == {"squared", "bernoulli"}


def test_combination_that_is_drawn_twice_counts_once():
    search = sampled(30, **{"reconstruction": RANGES["reconstruction"]})
    assert len(settings("x", declared(search=search), seed=1)) == 2


def test_no_sweep_at_all_is_one_way():
    assert whole().sweep == {}


def test_every_mistake_of_every_sweep_is_told_at_once():
    values = {
        "corruption.fractoin": [0.1],
        "corruptoin.fraction": [0.1],
        "training.learning_rate": [0.001, -1.0, "fast"],
        "architecture.code_size": [128, 128],
        "architecture.dropout": [0.5],
    }
    widths = {"architecture.widths": [[32], []]}  # too narrow for the code, and wide enough
    lines = refusals(
        wrong={"search": {"kind": "grid", "values": values}},
        narrow={"search": {"kind": "grid", "values": widths}},
        many={"search": {"kind": "grid", "values": {"training.epochs": [*range(1, 5000)]}}},
    )
    text = "\n".join(lines)
    assert "sweep.wrong.search: corruptoin.fraction: no 'corruptoin' in the file" in text
    assert "sweep.wrong.search.values.architecture.code_size: 128 stands 2 times" in text
    assert "sweep.narrow.search gives model.architecture: code_size 128 is above" in text
    assert "sweep.many.search: 4999 members; expected at most 4096" in text
    assert len(lines) == len(set(lines))


@pytest.mark.parametrize(
    ("path", "values", "said"),
    [
        (
            "corruption.fractoin",
            [0.1],
            "sweep.x.search gives model.corruption.fractoin: unknown key, did you mean 'fraction'?",
        ),
        (
            "training.learning_rate",
            [0.001, -1.0],
            "sweep.x.search gives model.training.learning_rate = -1.0: expected greater than 0",
        ),
        (
            "corruption.fraction",
            ["much"],
            "sweep.x.search gives model.corruption.fraction = 'much': expected a valid number",
        ),
        (
            "architecture.normalisation",
            ["batch"],
            "sweep.x.search gives model.architecture: dropout and normalisation act on hidden "
            "layers, and widths is empty; list widths, or leave them out",
        ),
        (
            "penalties",
            [[{"kind": "contractive_hutchinson", "weight": 0.1, "projections": 1}]],
            "sweep.x.model.penalties: contractive_hutchinson is not swept, for it differentiates "
            "inside the loss; use an entry of models for each",
        ),
    ],
)
def test_value_that_no_model_can_have_is_told_with_its_place(path, values, said):
    assert refusals(x={"search": {"kind": "grid", "values": {path: values}}}) == [said]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"search": {"kind": "grid", "values": {}}}, "expected at least 1 item, not 0"),
        (
            {"search": {"kind": "grid", "values": {"training.epochs": []}}},
            "expected at least 1 item, not 0",
        ),
        (
            {
                "search": sampled(
                    3, **{"training.epochs": {"kind": "integers", "low": 5, "high": 2}}
                )
            },
            "low 5 is not below high 2",
        ),
        (
            {
                "search": sampled(
                    1, **{"corruption.fraction": {**RANGES["corruption.fraction"], "high": 7.0}}
                )
            },
            "model.corruption.fraction = 7.0: expected less than or equal to 1",
        ),
        (
            {"choose": {"by": "loss"}},
            "choose.by = 'loss': members with another corruption.fraction have losses of another",
        ),
        ({"seeds": [1, 1]}, "sweep.x.seeds: 1 stands 2 times"),
    ],
)
def test_search_that_leads_nowhere_is_refused(changes, said):
    (line,) = refusals(x=changes)
    assert said in line


def test_what_only_one_member_asks_of_the_data_is_checked():
    raw = copy.deepcopy(RAW)
    values = {"corruption": [{"kind": "none"}, {"kind": "pairs"}]}
    raw["sweep"]["denoising"]["search"] = {"kind": "grid", "values": values}
    with pytest.raises(ParamsError, match=r"sweep\.denoising\.model\.corruption: kind pairs needs"):
        validate(Params, raw, "params.yaml")
