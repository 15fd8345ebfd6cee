"""Laws of the baseline PCA, against numpy's SVD and scikit-learn."""

import gzip
import json

import numpy as np
import pytest
import scipy.linalg
from sklearn import decomposition

from aepipe.data.parts import Parts, write_parts
from aepipe.errors import ArtifactError, ContractError
from aepipe.evaluation.pca import PCA, fit_pca, load_pca, save_pca


def correlated(rows: int, features: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(features, features)) * np.linspace(3, 0.1, features)
    return (rng.normal(size=(rows, features)) @ mixing + 1.5).astype(np.float32)


def cut(rows: np.ndarray, size: int) -> list[np.ndarray]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def test_components_and_variances_are_those_of_the_singular_value_decomposition():
    rows = correlated(300, 12)
    centred = rows.astype(np.float64) - rows.mean(axis=0, dtype=np.float64)
    _, singular, axes = np.linalg.svd(centred, full_matrices=False)

    pca = fit_pca(cut(rows, 64), [5])

    angles = scipy.linalg.subspace_angles(pca.components.T.astype(np.float64), axes[:5].T)
    assert angles.max() < 1e-6
    np.testing.assert_allclose(np.abs(np.sum(pca.components * axes[:5], axis=1)), 1, atol=1e-6)
    np.testing.assert_allclose(pca.explained_variance, singular**2 / 299, rtol=1e-9)


def test_codes_and_reconstructions_are_those_of_scikit_learn():
    rows, other = correlated(300, 12), correlated(50, 12, seed=1)
    oracle = decomposition.PCA(n_components=4, svd_solver="full").fit(rows.astype(np.float64))
    expected = oracle.transform(other.astype(np.float64))

    pca = fit_pca([rows], [4])
    codes = pca.encode(other, 4)

    signs = np.sign(np.sum(codes * expected, axis=0))
    np.testing.assert_allclose(codes, expected * signs, atol=1e-4)
    np.testing.assert_allclose(pca.decode(codes), oracle.inverse_transform(expected), atol=1e-4)


@pytest.mark.parametrize("size", [1, 7, 100, 299])
def test_the_result_does_not_depend_on_the_blocks(size):
    rows = correlated(300, 12)
    whole, parted = fit_pca([rows], [6]), fit_pca(cut(rows, size), [6])

    np.testing.assert_allclose(parted.mean, whole.mean, rtol=1e-12)
    np.testing.assert_allclose(parted.components, whole.components, atol=1e-6)
    np.testing.assert_allclose(parted.explained_variance, whole.explained_variance, rtol=1e-9)


def test_a_mean_far_from_zero_costs_no_digits():
    rows = correlated(400, 6).astype(np.float64)
    near, far = fit_pca(cut(rows, 50), [3]), fit_pca(cut(rows + 1e6, 50), [3])

    # sums of squares near 1e12 would leave 4 digits of variances near 1
    np.testing.assert_allclose(far.explained_variance, near.explained_variance, rtol=1e-8)
    np.testing.assert_allclose(far.components, near.components, atol=1e-6)
    np.testing.assert_allclose(
        far.encode(rows + 1e6, 3), near.encode(rows, 3), rtol=1e-4, atol=1e-4
    )


def test_parts_on_disk_give_what_one_array_in_memory_gives(tmp_path):
    images = correlated(90, 12).reshape(90, 1, 3, 4)
    for number, part in enumerate(np.array_split(images, 3)):
        np.save(tmp_path / f"{number:05d}.npy", part)
    parts = Parts(tmp_path)
    assert all(isinstance(array, np.memmap) for array in parts.arrays)

    from_disk, from_memory = fit_pca(parts.blocks(20), [2]), fit_pca([images], [2])

    assert from_disk.shape == (1, 3, 4)
    np.testing.assert_allclose(from_disk.components, from_memory.components, atol=1e-6)
    assert from_disk.decode(from_disk.encode(images, 2)).shape == images.shape


def test_data_of_lower_rank_is_reconstructed_exactly():
    rng = np.random.default_rng(0)
    rows = (rng.normal(size=(100, 3)) @ rng.normal(size=(3, 20)) + 2).astype(np.float32)
    pca = fit_pca(cut(rows, 30), [3, 8])

    np.testing.assert_allclose(pca.decode(pca.encode(rows, 3)), rows, atol=1e-5)
    np.testing.assert_allclose(pca.decode(pca.encode(rows, 8)), rows, atol=1e-5)
    assert (pca.explained_variance >= 0).all()
    np.testing.assert_allclose(pca.components @ pca.components.T, np.eye(8), atol=1e-5)


def test_smaller_codes_are_the_beginning_of_larger_ones():
    rows = correlated(100, 10)
    pca = fit_pca([rows], [2, 6])

    np.testing.assert_allclose(pca.encode(rows, 2), pca.encode(rows, 6)[:, :2], atol=1e-5)


def test_the_largest_entry_of_each_component_is_positive():
    components = fit_pca([correlated(100, 10)], [10]).components
    largest = np.abs(components).argmax(axis=1)

    assert (components[np.arange(10), largest] > 0).all()


def test_one_sample_is_its_own_mean():
    row = np.array([[1.0, 2.0, 3.0]], np.float32)
    pca = fit_pca([row], [2])

    np.testing.assert_allclose(pca.decode(pca.encode(row, 2)), row)
    assert (pca.explained_variance == 0).all()


def test_without_samples_or_with_infinite_ones_there_is_no_pca():
    with pytest.raises(ContractError, match="no sample"):
        fit_pca([np.empty((0, 3))], [1])
    with pytest.raises(ContractError, match="not finite"):
        fit_pca([np.array([[1.0, np.nan], [0.0, 1.0]])], [1])


@pytest.fixture
def saved(tmp_path) -> tuple[PCA, object]:
    pca = fit_pca([correlated(50, 6).reshape(50, 2, 3)], [2, 4])
    save_pca(tmp_path / "pca", pca)
    return pca, tmp_path / "pca"


def test_a_saved_analysis_is_read_back_bit_for_bit(saved):
    pca, folder = saved
    again = load_pca(folder)

    assert (again.shape, again.code_sizes) == ((2, 3), (2, 4))
    for name in ("mean", "components", "explained_variance"):
        np.testing.assert_array_equal(getattr(again, name), getattr(pca, name))
        assert getattr(again, name).dtype == getattr(pca, name).dtype


def test_damaged_folders_are_refused_with_the_remedy(saved):
    _, folder = saved
    whole = (folder / "mean.npy").read_bytes()
    (folder / "mean.npy").write_bytes(whole[:40])
    with pytest.raises(ArtifactError, match=r"not a readable array.*dvc checkout"):
        load_pca(folder)
    np.save(folder / "mean.npy", np.zeros(5))
    with pytest.raises(ArtifactError, match=r"shape \(5,\) where model.json beside it says \(6,\)"):
        load_pca(folder)
    (folder / "mean.npy").unlink()
    with pytest.raises(ArtifactError, match="no such file"):
        load_pca(folder)
    described = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(described | {"kind": "dense"}))
    with pytest.raises(ArtifactError, match="kind 'dense' where 'pca' was expected"):
        load_pca(folder)


def read_idx(path) -> np.ndarray:
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 1, 28, 28)


@pytest.mark.slow
def test_thirty_components_of_mnist_have_the_published_test_error(shared_data, tmp_path):
    """13.87: Hinton and Salakhutdinov (2006), figure 2, over 60,000 and 10,000 images."""
    folder = shared_data / "mnist"
    train = write_parts(tmp_path, [read_idx(folder / "train-images-idx3-ubyte.gz")])
    test = read_idx(folder / "t10k-images-idx3-ubyte.gz").astype(np.float32) / 255
    pca = fit_pca((block.astype(np.float32) / 255 for block in train.blocks(10_000)), [30])

    difference = pca.decode(pca.encode(test, 30)).astype(np.float64) - test
    assert np.square(difference).sum(axis=(1, 2, 3)).mean() == pytest.approx(13.866, abs=5e-4)
