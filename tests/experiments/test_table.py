"""Ours beside the published: verdicts, records, and the page that is made of both."""

from pathlib import Path

import pytest

from aepipe.__main__ import main
from aepipe.errors import ArtifactError, ParamsError
from aepipe.experiments.claims import Claim, Published, Reading
from aepipe.experiments.files import experiment_names, read_experiment
from aepipe.experiments.records import (
    RESULTS,
    overlay_digest,
    read_figure,
    read_record,
    record,
)
from aepipe.experiments.table import entries, markdown_page, plain_table
from aepipe.experiments.verdict import as_reading, in_unit, verdict
from aepipe.files import write_json

ROOT = Path(__file__).parents[2]
EXPERIMENT = """
experiment: {title: Title, source: Somebody (1999), targets: [pca], cost: a minute, expected: "3"}
figures:
  error:
    what: test error, the net
    file: reports/evaluation/net.json
    at: net/heads/finetuned
    unit: percent_wrong
    decimals: 2
    better: lower
    reference: {kind: published, value: 3.0, source: Somebody (1999), standing: memory}
    differs: fewer epochs
  control:
    what: test error, its control
    file: reports/evaluation/net.json
    at: net/heads/control
    unit: percent_wrong
    decimals: 2
    better: lower
    reference: {kind: order, than: error, source: Somebody (1999)}
params: {seed: 5}
"""


def claim(**changes: object) -> Claim:
    plain = {"what": "w", "file": "reports/a.json", "at": "a", "decimals": 2, "better": "lower"}
    return Claim.model_validate(plain | changes)


def reading(value: float, low: float | None = None, high: float | None = None) -> Reading:
    return Reading(value=value, low=low, high=high)


@pytest.fixture
def root(tmp_path) -> Path:
    """A folder with one experiment, which has not been run."""
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "tried.yaml").write_text(EXPERIMENT)
    return tmp_path


def keep(root: Path, **changes: object) -> None:
    """Write what a run of the experiment came to."""
    plain = {
        "format": 1,
        "date": "2026-03-01",
        "machine": "a processor",
        "revision": "0123456789abcdef",
        "overlay": overlay_digest(read_experiment(root / "experiments", "tried")),
        "note": "stopped early",
        "figures": {
            "error": {"value": 0.99, "low": 0.985, "high": 0.993},
            "control": {"value": 0.975, "low": 0.970, "high": 0.980},
        },
    }
    write_json(root / RESULTS / "tried.json", plain | changes)


@pytest.mark.parametrize(
    ("ours", "theirs", "better", "expected"),
    [
        (reading(2.64, 2.60, 2.68), reading(3.0), "lower", "better"),
        (reading(2.64, 2.60, 2.68), reading(3.0), "higher", "worse"),
        (reading(3.07, 3.03, 3.11), reading(3.0), "lower", "worse"),
        (reading(3.04, 2.99, 3.09), reading(3.0), "lower", "equal"),  # theirs in our interval
        (reading(3.07), reading(3.0, 2.9, 3.1), "lower", "equal"),  # ours within their spread
        (reading(3.2, 3.05, 3.3), reading(3.0, 2.9, 3.1), "lower", "worse"),  # intervals touch
        (reading(3.0), reading(3.0), "lower", "equal"),
    ],
)
def test_a_verdict_follows_the_rule_that_the_table_states(ours, theirs, better, expected):
    assert verdict(ours, theirs, better) == expected


def test_the_interval_goes_with_the_unit_of_its_figure():
    share = reading(0.99, 0.98, 0.995)
    wrong = in_unit(share, claim(unit="percent_wrong"))
    assert [wrong.value, wrong.low, wrong.high] == pytest.approx([1.0, 0.5, 2.0])
    assert in_unit(reading(7.84), claim(divided_by=784)).value == pytest.approx(0.01)
    assert in_unit(reading(-90.0, -91.0, -89.0), claim(unit="negative")) == reading(90, 89, 91)
    assert in_unit(share, claim(unit="percent")).high == pytest.approx(99.5)


def test_a_published_spread_reaches_to_both_sides():
    published = Published(kind="published", value=3.0, spread=0.5, source="s", standing="primary")
    assert as_reading(published) == reading(3.0, 2.5, 3.5)


def test_a_figure_is_read_with_its_interval_or_without(tmp_path):
    figure = {"value": 2.0, "low": 1.0, "high": 3.0}
    write_json(tmp_path / "reports" / "a.json", {"a": {"b_0.5": figure, "c": 4, "d": None}})
    assert read_figure(tmp_path, claim(at="a/b_0.5")) == reading(2.0, 1.0, 3.0)
    assert read_figure(tmp_path, claim(at="a/c")) == reading(4.0)
    with pytest.raises(ArtifactError, match="a/d is no figure, but None"):
        read_figure(tmp_path, claim(at="a/d"))
    with pytest.raises(ArtifactError, match=r"no 'x' on the way a/x; there is b_0\.5, c, d"):
        read_figure(tmp_path, claim(at="a/x"))


def test_what_has_not_been_run_says_so_and_has_no_verdict(root):
    row = plain_table(root).splitlines()[1]
    assert row.split("  ")[0] == "tried"
    assert "not run" in row
    assert "3.00 % [unconfirmed]" in row
    assert not any(word in row for word in ("better", "equal", "worse"))


def test_a_run_stands_beside_the_published_value_with_interval_date_and_machine(root):
    keep(root)
    text = plain_table(root)
    _, error, control, *_ = text.splitlines()
    assert "1.00 % (0.70 to 1.50)" in error
    assert error.endswith("  2026-03-01, machine 1")
    assert "  better  " in error
    assert "  lower than the net  " in control
    assert "  worse  " in control
    assert "machine 1: a processor" in text
    assert "tried: Protocol: fewer epochs." in text
    assert "tried: This run: stopped early." in text
    page = markdown_page(root)
    assert "- Protocol: fewer epochs." in page
    assert "- This run: stopped early." in page


def test_a_run_with_other_params_says_so(root):
    keep(root)
    path = root / "experiments" / "tried.yaml"
    path.write_text(EXPERIMENT.replace("seed: 5", "seed: 6"))
    assert "machine 1, with other params" in plain_table(root)


def test_a_record_that_nobody_can_read_is_refused(root):
    keep(root, date=None)
    with pytest.raises(ParamsError, match=r"tried\.json: 1 problem\n  date"):
        plain_table(root)
    keep(root, format=2)
    with pytest.raises(ArtifactError, match="format 2, expected 1"):
        plain_table(root)


def test_an_order_names_another_figure_of_the_experiment(root):
    path = root / "experiments" / "tried.yaml"
    path.write_text(EXPERIMENT.replace("than: error", "than: eror"))
    with pytest.raises(ParamsError, match=r"than = 'eror': no other figure of this experiment"):
        read_experiment(root / "experiments", "tried")


def test_only_a_run_of_these_very_params_is_recorded(root, tmp_path):
    experiment = read_experiment(root / "experiments", "tried")
    with pytest.raises(ParamsError, match="`aepipe experiment run tried` comes first"):
        record(root, "tried", experiment, tmp_path / "nowhere", "")
    (tmp_path / "params.yaml").write_text("seed: 6\n")
    with pytest.raises(ParamsError, match=r"its params\.yaml is not what the experiment says"):
        record(root, "tried", experiment, tmp_path, "")
    none = experiment.model_copy(update={"figures": {}})
    with pytest.raises(ParamsError, match="declares no figures"):
        record(root, "tried", none, tmp_path, "")


def test_the_page_in_docs_is_what_the_command_makes():
    page = (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")
    made = markdown_page(ROOT)
    assert page == made, "aepipe experiment table --format markdown --output docs/experiments.md"


def test_each_record_is_of_an_experiment_and_has_its_figures():
    records = [path.stem for path in (ROOT / RESULTS).glob("*.json")]
    assert records
    for name in records:
        kept = read_record(ROOT, name)
        figures = read_experiment(ROOT / "experiments", name).figures
        assert kept is not None
        assert set(kept.figures) == set(figures)


def test_each_experiment_with_a_published_figure_is_in_the_table():
    tabled = {entry.name for entry in entries(ROOT)}
    # a try of every kind, series that nobody has published anything of, and a digits-sized DBN
    assert set(experiment_names(ROOT / "experiments")) - tabled == {
        "catalogue", "dbn_digits", "ecg5000",
    }  # fmt: skip


def test_the_command_writes_the_page(root, monkeypatch, capsys):
    monkeypatch.chdir(root)
    assert main(["experiment", "table", "--format", "markdown", "--output", "page.md"]) == 0
    assert (root / "page.md").read_text() == markdown_page(root)
    assert main(["experiment", "table"]) == 0
    assert capsys.readouterr().out == plain_table(root)
    assert main(["experiment", "record", "tried"]) == 2
    assert "`aepipe experiment run tried` comes first" in capsys.readouterr().err
