"""The page: that it agrees with the metrics, needs nothing else, and is the same each time."""

import json
import re
import shutil
from dataclasses import fields, replace
from html.parser import HTMLParser
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import safetensors.numpy

from aepipe.data.dataset import describe_dataset
from aepipe.data.parts import write_parts
from aepipe.errors import ArtifactError
from aepipe.files import write_json
from aepipe.models.absent import write_absence
from aepipe.monitor import Silent
from aepipe.params.load import load_params
from aepipe.reporting import formats
from aepipe.stages import compare, report

WHOLE = load_params(Path(__file__).parents[2] / "params.yaml")
PARAMS = report.Params(*(getattr(WHOLE, f.name) for f in fields(report.Params)))


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


def finish(folder: Path, dataset, write_evaluation, labelled=True) -> report.Inputs:
    """Make everything that the report reads, small."""
    evaluation = write_evaluation(folder / "evaluation", dataset, labelled)
    outputs = compare.Outputs(folder / "metrics.json", folder / "plots", folder / "c.parquet")
    params = compare.Params(
        1, WHOLE.models, WHOLE.evaluate.representations, confidence=0.95, resamples=999
    )
    compare.run(params, compare.Inputs(evaluation), outputs, Silent())
    rng = np.random.default_rng(3)
    clean = dataset.scaled(dataset.features("test").load())
    for condition in ("masking_0.25", "gaussian_0.3"):
        noise = rng.uniform(size=clean.shape) > 0.3
        write_parts(folder / "corrupted" / condition / "test", [clean * noise.astype(np.float32)])
    write_models(folder / "models", dataset, rng)
    write_generated(folder / "generated", clean)
    return report.Inputs(
        dataset=dataset.folder,
        corrupted=folder / "corrupted",
        models=folder / "models",
        generated=folder / "generated",
        evaluation=evaluation,
        metrics=outputs.metrics,
        plots=outputs.plots,
    )


def write_models(models: Path, dataset, rng) -> None:
    stack = [f"stack/{layer}" for layer in WHOLE.stack.layers]
    classifier = ["classifier/finetuned", "classifier/control"]
    for name in [*stack, *classifier, "autoencoder", "vae", *WHOLE.models]:
        history = [
            {"epoch": n, "train_total": 30 / n, "valid_total": 31 / n + n / 9} for n in range(1, 8)
        ]
        write_json(models / name / "history.json", history)
    weights = rng.normal(size=(20, dataset.size)).astype(np.float32)
    safetensors.numpy.save_file(
        {"encoder.weight": weights}, models / stack[0] / "weights.safetensors"
    )
    (models / "pca").mkdir()
    np.save(models / "pca" / "explained_variance.npy", np.linspace(1, 0, dataset.size))


def write_generated(folder: Path, clean) -> None:
    folder.mkdir()
    np.save(folder / "reconstructions.npy", np.stack([clean[:4], clean[4:8]]))
    np.save(folder / "interpolations.npy", clean[:6].reshape(2, 3, *clean.shape[1:]))
    np.save(folder / "traversals.npy", clean[:6].reshape(2, 3, *clean.shape[1:]))
    from aepipe.reporting.pictures import tiles

    (folder / "samples.png").write_bytes(tiles(np.zeros((2, 2, 1, 8, 8)), (0, 1)))
    nats, activity = [0.5, 2.0, 1.0], [0.2, 0.9, 0.6]
    described = {"divergence": nats, "activity": activity, "traversal_dimensions": [1, 2]}
    write_json(folder / "generated.json", {"format": 1, "traversal_range": 2.5, **described})


def render(inputs: report.Inputs, page: Path, params=PARAMS) -> str:
    report.run(params, inputs, report.Outputs(page), Silent())
    return page.read_text(encoding="utf-8")


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
        for section in ("representations", "against_pca", "heads")
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
        f"against_pca.{entry}.{name}"
        for entry, held in metrics["against_pca"].items()
        for name in held
        if name != "pca"
    }
    assert compared <= set(dict(page.cells["metric"]))


def test_the_page_needs_nothing_but_itself(page, folder):
    outside = re.sub(r"data:image/png;base64,[^\"]+", "", page.text)
    assert not re.search(r"https?:|//[a-z]|@import", outside)
    assert "<script" not in page.text
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
    plots = [given for tag, given in page.tags if tag == "svg"]
    assert len(images) > 10
    assert len(plots) > 10
    assert all(given["alt"] for given in images)
    assert all(given["role"] == "img" and given["aria-label"] for given in plots)


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
    params = compare.Params(1, WHOLE.models, WHOLE.evaluate.representations, 0.95, resamples=999)
    again = compare.Outputs(inputs.metrics, inputs.plots, inputs.metrics.with_name("c.parquet"))
    compare.run(params, compare.Inputs(inputs.evaluation), again, Silent())
