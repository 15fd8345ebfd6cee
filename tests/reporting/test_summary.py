"""The summary in a terminal and in a log."""

import pytest

from aepipe.__main__ import main
from aepipe.errors import ArtifactError
from aepipe.reporting.metrics import write_metrics
from aepipe.reporting.summary import print_summary


@pytest.fixture
def reports(metrics, tmp_path):
    folder = tmp_path / "reports"
    write_metrics(folder / "metrics.json", metrics)
    return folder


def test_a_log_gets_one_plain_line_for_each_representation(reports, capsys):
    print_summary(reports)
    text = capsys.readouterr().out
    assert {character for character in text if not character.isprintable()} == {"\n"}
    lines = text.splitlines()
    assert lines[0].split("  ")[0] == "representation"
    assert [line.split("  ")[0] for line in lines[1:5]] == [
        "raw features", "PCA 8", "autoencoder", "classifier",
    ]  # fmt: skip
    assert "1.250 (1.240 to 1.260)" in lines[3]
    assert "0.980 (0.970 to 0.990)" in lines[4]
    assert "─" not in text


def test_it_ends_with_the_findings_and_the_path_of_the_report(reports, capsys):
    print_summary(reports)
    lines = capsys.readouterr().out.splitlines()
    assert lines[5].startswith("For its size, autoencoder reconstructs best")
    assert lines[-2].startswith("Intervals at 95 % confidence over 200 test samples")
    assert lines[-1] == f"report: {reports / 'index.html'}"


def test_the_spread_over_trainings_has_a_table_of_its_own(reports, metrics, capsys):
    metrics.test["trainings"] = 3
    held = {"mean": 1.3, "deviation": 0.0234, "low": 1.2, "high": 1.4}
    metrics.trainings["autoencoder"] = {"squared_error": held}
    metrics.against_pca["autoencoder"]["squared_error_trainings"] = 3
    write_metrics(reports / "metrics.json", metrics)
    print_summary(reports)
    lines = capsys.readouterr().out.splitlines()
    assert lines[5].split("  ")[0] == "over 3 trainings"
    assert lines[6].split() == ["autoencoder", "1.300", "\N{PLUS-MINUS SIGN}", "0.023"]


def test_a_terminal_gets_a_table(reports, capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    print_summary(reports)
    assert "─" in capsys.readouterr().out


def test_columns_that_nothing_fills_are_left_out(reports, metrics, capsys):
    metrics.against_pca.clear()
    for held in metrics.representations.values():
        held.pop("squared_error", None)
    write_metrics(reports / "metrics.json", metrics)
    print_summary(reports)
    assert "squared error" not in capsys.readouterr().out.splitlines()[0]


def test_missing_metrics_are_a_mistake_that_is_explained(tmp_path, capsys, monkeypatch):
    with pytest.raises(ArtifactError, match=r"metrics\.json: no such file; `dvc repro`"):
        print_summary(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["summary"]) == 2
    assert capsys.readouterr().err.startswith("aepipe summary: reports/metrics.json: no such file")


@pytest.mark.parametrize("content", ["[]", '{"test": {}}', '{"new": 1}'])
def test_metrics_of_another_make_are_refused(content, tmp_path):
    (tmp_path / "metrics.json").write_text(content)
    with pytest.raises(ArtifactError, match="not what stage compare writes"):
        print_summary(tmp_path)
