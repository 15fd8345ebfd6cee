"""The page: that it agrees with the metrics, needs nothing else, and is the same each time."""

import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from aepipe.data.dataset import describe_dataset
from aepipe.data.parts import write_parts
from aepipe.errors import ArtifactError
from aepipe.models.absent import write_absence
from aepipe.monitor import Silent
from aepipe.reporting import formats
from aepipe.reporting.codemap import code_map
from aepipe.reporting.cost import Cost, Measured
from aepipe.reporting.metrics import read_metrics
from aepipe.reporting.page import with_costs
from aepipe.stages import compare, report
from tests.report_inputs import COMPARED, PARAMS, WHOLE, finish, render


class Page(HTMLParser):
    """What the tests ask of the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.cells: dict[str, list[tuple[str, str]]] = {"metric": [], "interval": []}
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._open: tuple[str, str] | None = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.append((tag, given))
        for kind in self.cells:
            if f"data-{kind}" in given:
                assert tag == "td"
                self._open = (kind, given[f"data-{kind}"])

    def handle_endtag(self, tag):
        if tag == "td":
            self._open = None

    def handle_data(self, data):
        if self._open:
            kind, key = self._open
            self.cells[kind].append((key, data))

    def attributes(self, name):
        return [given[name] for _, given in self.tags if name in given]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("finished")


@pytest.fixture(scope="module")
def finished(folder, small_digits, write_evaluation) -> report.Inputs:
    return finish(folder, small_digits, write_evaluation)


@pytest.fixture(scope="module")
def page(finished, folder) -> Page:
    return Page(render(finished, folder / "index.html"))


def flat(metrics: dict) -> dict[str, float]:
    return {
        f"{section}.{entry}.{name}": value
        for section in ("representations", "against_pca", "against_best", "heads")
        for entry, held in metrics[section].items()
        for name, value in held.items()
    }


def test_every_number_of_the_tables_is_the_one_in_the_metrics(page, finished):
    known = flat(json.loads(finished.metrics.read_text()))
    assert len(page.cells["metric"]) > 100
    for key, shown in page.cells["metric"]:
        name = key.split(".", 2)[2]
        write = formats.difference if name.endswith("_difference") else formats.metric
        assert shown == write(name, known[key])


def test_every_interval_of_the_tables_is_the_one_in_the_metrics(page, finished):
    intervals = json.loads(finished.metrics.read_text())["intervals"]
    assert len(page.cells["interval"]) > 30
    for key, shown in page.cells["interval"]:
        entry, name = key.split(".", 1)
        low, high = (formats.metric(name, intervals[entry][name][end]) for end in ("low", "high"))
        assert shown == f"{low} to {high}"


def test_no_figure_is_missing_from_the_page(page, finished):
    metrics = json.loads(finished.metrics.read_text())
    found = {
        f"representations.{entry}.{name}"
        for entry, held in metrics["representations"].items()
        for name in held
    }
    assert found <= set(dict(page.cells["metric"]))
    compared = {
        f"{section}.{entry}.{name}"
        for section in ("against_pca", "against_best")
        for entry, held in metrics[section].items()
        for name in held
        if name != "pca" and not name.endswith("_best")
    }
    assert compared <= set(dict(page.cells["metric"]))


def test_the_page_needs_nothing_but_itself(page, folder):
    outside = re.sub(r"data:image/png;base64,[^\")]+", "", page.text)
    assert not re.search(r"https?:|//[a-z]|@import", outside)
    policies = [given["content"] for tag, given in page.tags if "http-equiv" in given]
    assert [policy.split(";")[0] for policy in policies] == ["default-src 'none'"]
    assert [given for tag, given in page.tags if tag == "script" and "src" in given] == []
    assert {source[:22] for source in page.attributes("src")} == {"data:image/png;base64,"}
    own = {f"#{name}" for name in page.attributes("id")}
    assert {link for link in page.attributes("href") if link != "data:,"} <= own
    assert set(re.findall(r"url\((#[^)]+)\)", page.text)) <= own


def test_the_page_tells_no_place(page, folder):
    assert str(folder) not in page.text
    assert "matplotlib" not in page.text.lower()


def test_identifiers_are_unique(page):
    identifiers = page.attributes("id")
    assert len(identifiers) == len(set(identifiers)) > 20


def test_every_picture_and_plot_has_words_for_those_who_do_not_see_it(page):
    images = [given for tag, given in page.tags if tag == "img"]
    plots = [given for tag, given in page.tags if tag == "svg" and "aria-hidden" not in given]
    assert len(images) > 10
    assert len(plots) > 10
    assert all(given["alt"] for given in images)
    assert {given["role"] for given in plots} == {"img", "application"}
    assert all(given["aria-label"] for given in plots)


def test_headings_are_in_order(page):
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert len(levels) > 15
    assert all(below <= above + 1 for above, below in pairwise(levels))


def test_everything_that_takes_input_has_a_name(page):
    labelled = set(page.attributes("for"))
    asked = [given for tag, given in page.tags if tag in ("input", "select")]
    assert len(asked) > 4
    inside = {given["id"] for given in asked if given.get("type") == "radio"}  # within its label
    assert {given["id"] for given in asked} <= labelled | inside
    regions = [given for _, given in page.tags if given.get("tabindex") == "0"]
    assert len(regions) > 4
    assert all(given["aria-label"] for given in regions)


def test_the_first_screen_has_the_answer(page):
    header = page.text[page.text.index("<header>") : page.text.index("</header>")]
    assert "For its size" in header
    assert "The fine-tuned classifier is right on" in header


def test_probes_that_saw_fewer_samples_than_the_heads_are_said_to(finished, folder, page):
    probes = WHOLE.evaluate.probes.model_copy(update={"rows": 100})
    fewer = replace(PARAMS, evaluate=WHOLE.evaluate.model_copy(update={"probes": probes}))
    sentence = "Probes were trained on 100 of the 120 training samples"
    assert sentence in render(finished, folder / "fewer.html", fewer)
    assert "Probes were trained on" not in page.text


def test_the_spread_over_trainings_is_shown_beside_what_it_is_not(finished, folder, page):
    metrics = json.loads(finished.metrics.read_text())
    spread = {"mean": 0.9, "deviation": 0.0123, "low": 0.8, "high": 1.0}
    metrics["trainings"] = {"autoencoder": {"squared_error": spread, "accuracy_linear": spread}}
    metrics["test"]["trainings"] = 3
    metrics["against_pca"]["autoencoder"] |= {"squared_error_trainings": 2, "linear_trainings": 3}
    several = replace(finished, metrics=folder / "several.json")
    several.metrics.write_text(json.dumps(metrics))
    text = render(several, folder / "several.html")
    cells = dict(Page(text).cells["metric"])
    assert cells["trainings.autoencoder.squared_error.mean"] == "0.9000"
    assert cells["trainings.autoencoder.squared_error.deviation"] == "0.012"
    assert [f"{n} of 3</td>" in text for n in (1, 2, 3)] == [False, True, True]
    assert "These are figures of the first of 3 trainings" in text
    assert "Every network was trained once" in page.text


def test_a_copy_of_the_page_has_what_was_measured_and_all_else_as_it_was(page, finished):
    metrics = read_metrics(finished.metrics)
    costs = {entry: Cost(123.4, "cuda:0", 56789.0) for entry in metrics.representations}
    costs["raw"] = Cost(None, "", None)
    copy = with_costs(page.text, metrics, Measured(costs, "As <measured>."))
    beside = re.compile("<!-- cost -->.*<!-- end of cost -->", re.DOTALL)
    assert beside.sub("", copy) == beside.sub("", page.text) != page.text
    assert "aepipe costs" in page.text
    assert "As &lt;measured&gt;." in copy
    assert copy.count(">57,000</td>") == len(costs) - 1
    assert copy.count(">123</td>\n<td>cuda:0</td>") == len(costs) - 1
    assert with_costs(copy, metrics, Measured(costs, "As <measured>.")) == copy
    with pytest.raises(ArtifactError, match="dvc repro report"):
        with_costs("<html>", metrics, Measured(costs, ""))


def test_params_are_shown_as_declared(page):
    for line in (f"seed: {WHOLE.seed}", "  labelled_fraction: 1.0"):
        assert f"\n{line}\n" in page.text.replace("<pre>", "\n")


def test_the_same_inputs_give_the_same_bytes_whatever_the_users_own_settings(
    page, finished, tmp_path
):
    with mpl.rc_context({"font.size": 20, "lines.linewidth": 7, "svg.fonttype": "path"}):
        assert render(finished, tmp_path / "index.html") == page.text


def test_leftover_models_are_refused_with_the_command(small_digits, write_evaluation, tmp_path):
    inputs = finish(tmp_path, small_digits, write_evaluation)
    (inputs.models / "stack" / "old").mkdir()
    with pytest.raises(ArtifactError, match=r"`rm -r .*/models/stack/old`"):
        render(inputs, tmp_path / "index.html")


@pytest.mark.parametrize(
    "missing", ["generated/samples.png", "models/pca/explained_variance.npy", "plots/confusion.csv"]
)
def test_what_is_missing_is_named(missing, small_digits, write_evaluation, tmp_path):
    inputs = finish(tmp_path, small_digits, write_evaluation)
    (tmp_path / missing).unlink()
    with pytest.raises(ArtifactError, match=rf"{re.escape(missing)}: no such file"):
        render(inputs, tmp_path / "index.html")


def test_tables_without_labels_have_a_page_of_their_own(small_digits, write_evaluation, tmp_path):
    folder = tmp_path / "table"
    counts = small_digits.counts
    for split in counts:
        flattened = small_digits.features(split).load().reshape(counts[split], -1)
        write_parts(folder / "features" / split, [flattened.astype(np.float32)])
    samples = pd.read_parquet(small_digits.folder / "samples.parquet").assign(label=-1)
    samples.to_parquet(folder / "samples.parquet", index=False)
    table = replace(
        small_digits, folder=folder, shape=(64,), scale=[0.0625] * 64, offset=[0.0] * 64,
        value_range=None, classes=[], origin="not the original files",
    )  # fmt: skip
    describe_dataset(table)
    inputs = finish(tmp_path / "run", table, write_evaluation, labelled=False)
    forget_classifier(inputs)
    page = Page(render(inputs, tmp_path / "index.html"))
    assert 'id="classification"' not in page.text
    assert "For its size" in page.text
    assert "<dt>origin</dt><dd>not the original files</dd>" in page.text
    assert "There is no classifier: no training sample has a label." in page.text
    assert not [key for key, _ in page.cells["metric"] if "linear" in key]
    assert {source[:22] for source in page.attributes("src")} == {"data:image/png;base64,"}


def forget_classifier(inputs: report.Inputs) -> None:
    """Leave of the classifier what the stages write where there is none, and compare anew."""
    reason = "no training sample has a label"
    shutil.rmtree(inputs.models / "classifier")
    write_absence(inputs.models / "classifier", reason)
    (inputs.evaluation / "classifier.json").write_text("{}")
    write_absence(inputs.evaluation / "classifier", reason)
    again = compare.Outputs(inputs.metrics, inputs.plots, inputs.metrics.with_name("c.parquet"))
    compare.run(COMPARED, compare.Inputs(inputs.evaluation, inputs.appraisal), again, Silent())


@pytest.fixture(scope="module")
def drawn(finished, small_digits):
    named = replace(small_digits, classes=["</script>", *small_digits.classes[1:]])
    return code_map(named, finished.evaluation, "raw", read_metrics(finished.metrics))


def test_the_data_of_the_map_end_no_script_and_say_what_the_drawing_shows(drawn):
    shown = drawn
    assert "<" not in shown.data
    data = json.loads(shown.data)
    assert data["classes"][0] == "</script>"
    first = data["entries"][shown.first]
    assert [(p.x, p.y) for p in shown.points] == [*zip(first["x"], first["y"], strict=True)]
    assert {len(data[name]) for name in ("ids", "splits", "labels")} == {len(shown.points)}
    assert shown.sprite.rows * shown.sprite.columns >= len(shown.points)


def test_what_has_no_way_back_has_no_error_and_is_said_to(drawn):
    raw = next(plane for plane in drawn.entries if plane.label == "raw features")
    assert raw.error == []
    assert set(raw.share) == {0}
    assert "no way back" in raw.note


def test_without_raw_features_there_is_no_map(finished, small_digits):
    metrics = read_metrics(finished.metrics)
    assert code_map(small_digits, finished.evaluation, None, metrics) is None
