"""Laws of the baseline's stage."""

from pathlib import Path

import numpy as np
import pytest

from aepipe.evaluation.pca import load_pca
from aepipe.monitor import Silent
from aepipe.params.data import Data
from aepipe.params.load import load_params
from aepipe.stages import pca
from aepipe.stages.pca import Inputs, Outputs, Params

ROOT = Path(__file__).parents[2]


class Hearing(Silent):
    """Keeps the remarks."""

    def __init__(self):
        self.remarks = []

    def remark(self, text):
        self.remarks.append(text)


@pytest.fixture(scope="module")
def params() -> Params:
    """The repository's sections, with code sizes that 64 pixels do and do not allow."""
    whole = load_params(ROOT / "params.yaml")
    layers = dict(whole.stack.layers)
    last = list(layers)[-1]
    layers[last] = layers[last].model_copy(update={"units": 12})
    vae = whole.vae.model_copy(update={"code_size": 5})
    model = next(iter(whole.models.values()))
    sizes = {"narrow": 12, "wide": 64, "wider": 200}
    models = {
        name: model.model_copy(
            update={"architecture": model.architecture.model_copy(update={"code_size": size})}
        )
        for name, size in sizes.items()
    }
    return Params(whole.stack.model_copy(update={"layers": layers}), vae, models)


def run(params: Params, dataset: Path, folder: Path) -> Hearing:
    hearing = Hearing()
    pca.run(params, Inputs(dataset), Outputs(folder), hearing)
    return hearing


def test_every_code_size_below_the_number_of_features_is_served(params, small_digits, tmp_path):
    hearing = run(params, small_digits.folder, tmp_path / "pca")

    fitted = load_pca(tmp_path / "pca")
    assert fitted.code_sizes == (5, 12)
    assert fitted.shape == small_digits.shape
    assert fitted.components.shape == (12, 64)
    assert fitted.explained_variance.shape == (64,)
    assert [text for text in hearing.remarks if "64, 200 components" in text]


def test_where_no_code_size_fits_all_components_stand_in(params, small_digits, tmp_path):
    vae = params.vae.model_copy(update={"code_size": 64})
    last = list(params.stack.layers)[-1]
    layer = params.stack.layers[last].model_copy(update={"units": 99})
    wide = Params(params.stack.model_copy(update={"layers": {last: layer}}), vae, {})
    run(wide, small_digits.folder, tmp_path / "pca")

    assert load_pca(tmp_path / "pca").code_sizes == (64,)


def test_the_baseline_is_fitted_on_scaled_training_samples_alone(params, small_digits, tmp_path):
    run(params, small_digits.folder, tmp_path / "pca")
    fitted = load_pca(tmp_path / "pca")
    train = small_digits.scaled(small_digits.features("train").load()).reshape(120, -1)

    np.testing.assert_allclose(fitted.mean, train.mean(axis=0, dtype=np.float64), atol=1e-7)
    variances = np.linalg.eigvalsh(np.cov(train.T.astype(np.float64)))[::-1]
    np.testing.assert_allclose(fitted.explained_variance, np.maximum(variances, 0), atol=1e-12)


def test_the_bytes_depend_neither_on_the_run_nor_on_the_blocks_read(
    params, small_digits, tmp_path, monkeypatch
):
    run(params, small_digits.folder, tmp_path / "first")
    run(params, small_digits.folder, tmp_path / "second")

    files = sorted(path.name for path in (tmp_path / "first").iterdir())
    assert files == ["components.npy", "explained_variance.npy", "mean.npy", "model.json"]
    for name in files:
        first, second = ((tmp_path / run / name).read_bytes() for run in ("first", "second"))
        assert first == second, name

    monkeypatch.setattr(pca, "BLOCK_BYTES", 4 * 64 * 7)  # 7 rows
    run(params, small_digits.folder, tmp_path / "blocks")
    whole, parted = load_pca(tmp_path / "first"), load_pca(tmp_path / "blocks")
    np.testing.assert_allclose(parted.components, whole.components, atol=1e-5)


@pytest.mark.slow
def test_mnist_through_idx_source_and_stage_has_the_published_error(params, shared_data, tmp_path):
    """13.87 (Hinton and Salakhutdinov 2006, figure 2), with a sixth kept for validation."""
    from aepipe.data.dataset import open_dataset
    from aepipe.stages import ingest

    section = Data.model_validate(
        {
            "source": {"kind": "idx", "folder": str(shared_data / "mnist")},
            "scaling": "range",
            "splits": {"valid": 1 / 6, "test": 0.1},
            "labelled_fraction": 1.0,
            "across_splits": "refuse",
        }
    )
    folder = tmp_path / "dataset"
    ingest.run(ingest.Params(0, section), ingest.Inputs(), ingest.Outputs(folder), Silent())
    thirty = Params(params.stack, params.vae.model_copy(update={"code_size": 30}), {})
    run(thirty, folder, tmp_path / "pca")

    dataset, fitted = open_dataset(folder), load_pca(tmp_path / "pca")
    test = dataset.scaled(dataset.features("test").load())
    difference = fitted.decode(fitted.encode(test, 30)).astype(np.float64) - test
    error = np.square(difference).sum(axis=(1, 2, 3)).mean()
    assert dataset.counts == {"train": 50_000, "valid": 10_000, "test": 10_000}
    assert f"{error:.2f}" == "13.87"
