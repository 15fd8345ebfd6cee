"""Pictures of the VAE: what they hold, and that they are the same each time."""

import json

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from aepipe.data.dataset import UNLABELLED
from aepipe.errors import ArtifactError
from aepipe.models.files import Blueprint, construct, save_model
from aepipe.monitor import Silent
from aepipe.params.evaluation import Generate
from aepipe.stages import generate

CONFIG = Generate(
    samples=12, reconstructions=5, interpolations=3, steps=4, traversal_range=2.0,
    traversal_dimensions=2,
)  # fmt: skip
COMMON = {
    "shape": [1, 8, 8],
    "trunk": {"convolutions": None, "widths": [16], "nonlinearity": "silu"},
    "code_size": 3,
    "likelihood": {"kind": "bernoulli"},
}
VAE = Blueprint("variational", COMMON | {"latent": "gaussian"})
SPHERICAL = Blueprint("variational", COMMON | {"latent": "hyperspherical"})
TWO_LAYER = Blueprint(
    "two_layer_variational",
    COMMON | {"upper": {"widths": [7], "code_size": 2, "nonlinearity": "tanh"}},
)


@pytest.fixture(scope="module")
def vae(tmp_path_factory):
    torch.manual_seed(0)
    model = construct(VAE)
    with torch.no_grad():
        model.head.mean.weight[1] *= 20  # the second dimension says most
    folder = tmp_path_factory.mktemp("vae")
    save_model(folder, VAE, model, {})
    return folder


def run(dataset, vae, output):
    inputs, outputs = generate.Inputs(dataset.folder, vae), generate.Outputs(output)
    generate.run(generate.Params(3, CONFIG), inputs, outputs, Silent())
    return {path.stem: np.load(path) for path in output.glob("*.npy")}


def test_each_picture_has_its_rows_and_columns(small_digits, vae, tmp_path):
    pictures = run(small_digits, vae, tmp_path / "generated")
    assert {name: rows.shape for name, rows in pictures.items()} == {
        "samples": (12, 1, 8, 8),
        "reconstructions": (2, 5, 1, 8, 8),
        "interpolations": (3, 13, 1, 8, 8),
        "traversals": (2, 13, 1, 8, 8),
    }
    assert {p.stem for p in (tmp_path / "generated").glob("*.png")} == set(pictures)


def test_the_same_inputs_give_the_same_bytes(small_digits, vae, tmp_path):
    for name in ("one", "two"):
        torch.rand(3)  # the global generator must not matter
        run(small_digits, vae, tmp_path / name)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_originals_come_from_the_validation_split(small_digits, vae, tmp_path):
    shown = run(small_digits, vae, tmp_path / "generated")["reconstructions"][0]
    valid = small_digits.scaled(small_digits.features("valid").load())
    for original in shown:
        assert (np.abs(valid - original).max(axis=(1, 2, 3)) < 1e-6).any()


def test_a_traversal_moves_the_dimension_that_says_most_first(small_digits, vae, tmp_path):
    from aepipe.models.files import load_model

    rows = run(small_digits, vae, tmp_path / "generated")["traversals"]
    latent = torch.zeros(1, 3)
    latent[0, 1] = 2.0
    model = load_model(vae)
    expected = model.mean(model.decode(latent)).numpy()[0]
    np.testing.assert_allclose(rows[0, -1], expected, rtol=1e-5)


def test_divergence_is_the_closed_form_over_the_validation_split(small_digits, vae, tmp_path):
    from aepipe.models.files import load_model

    run(small_digits, vae, tmp_path / "generated")
    described = json.loads((tmp_path / "generated" / "generated.json").read_text())
    valid = torch.from_numpy(small_digits.scaled(small_digits.features("valid").load()))
    posterior = load_model(vae).posterior(valid)
    known = Normal(posterior.mean, (posterior.log_variance / 2).exp())
    exact = kl_divergence(known, Normal(0.0, 1.0)).mean(dim=0)
    spread = posterior.mean.double().var(dim=0, correction=0)
    np.testing.assert_allclose(described["activity"], spread, rtol=1e-5)
    np.testing.assert_allclose(described["divergence"], exact, rtol=1e-5)
    ranked = sorted(range(3), key=lambda dimension: -exact[dimension])
    assert described["traversal_dimensions"] == ranked[:2]


def test_an_interpolation_starts_and_ends_at_reconstructions(small_digits, vae, tmp_path):
    from aepipe.models.files import load_model

    model = load_model(vae)
    valid = torch.from_numpy(small_digits.scaled(small_digits.features("valid").load()))
    rebuilt = model.mean(model.decode(model.encode(valid))).numpy()
    for row in run(small_digits, vae, tmp_path / "generated")["interpolations"]:
        for end in (row[0], row[-1]):
            assert (np.abs(rebuilt - end).max(axis=(1, 2, 3)) < 1e-5).any()


@pytest.mark.parametrize("seed", range(20))
def test_pairs_share_no_sample_and_no_class(seed):
    labels = np.array([0, 0, 0, 1, 2, 2, 2, 1])  # any 4 that are left hold two classes
    pairs = generate.choose_pairs(labels, 3, torch.Generator().manual_seed(seed))
    assert len(pairs.flatten().unique()) == 6
    first, second = labels[pairs].T
    assert (first != second).all()


def test_pairs_need_no_labels():
    pairs = generate.choose_pairs(np.full(8, UNLABELLED), 3, torch.Generator())
    assert len(pairs.flatten().unique()) == 6


def test_one_class_is_paired_with_itself():
    pairs = generate.choose_pairs(np.zeros(8, int), 3, torch.Generator())
    assert len(pairs.flatten().unique()) == 6


def test_a_single_validation_sample_makes_no_pair():
    pairs = generate.choose_pairs(np.array([4]), 3, torch.Generator())
    assert pairs.shape == (0, 2)


def test_a_folder_of_another_kind_is_refused(small_digits, tmp_path):
    folder = tmp_path / "autoencoder"
    layer = {"input_size": 64, "units": 4, "nonlinearity": "sigmoid", "tied": True}
    blueprint = Blueprint("layer", {**layer, "reconstruction": "squared"})
    save_model(folder, blueprint, construct(blueprint), {})
    with pytest.raises(ArtifactError, match="'layer' where 'variational' was expected"):
        run(small_digits, folder, tmp_path / "generated")


@pytest.mark.parametrize("blueprint", [SPHERICAL, TWO_LAYER], ids=["spherical", "two_layer"])
def test_other_kinds_have_all_pictures_the_same_each_time(small_digits, blueprint, tmp_path):
    torch.manual_seed(0)
    save_model(tmp_path / "vae", blueprint, construct(blueprint), {})
    pictures = run(small_digits, tmp_path / "vae", tmp_path / "one")
    run(small_digits, tmp_path / "vae", tmp_path / "two")
    assert {name: rows.shape for name, rows in pictures.items()} == {
        "samples": (12, 1, 8, 8),
        "reconstructions": (2, 5, 1, 8, 8),
        "interpolations": (3, 13, 1, 8, 8),
        "traversals": (2, 13, 1, 8, 8),
    }
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()
    described = json.loads((tmp_path / "one" / "generated.json").read_text())
    groups = {"variational": 1, "two_layer_variational": 0}[blueprint.kind]
    assert len(described["divergence"]) == groups
    first, second = described["traversal_dimensions"]
    assert described["activity"][first] >= described["activity"][second]


def test_on_the_sphere_every_code_that_is_decoded_lies_on_it(small_digits, tmp_path, monkeypatch):
    torch.manual_seed(0)
    save_model(tmp_path / "vae", SPHERICAL, construct(SPHERICAL), {})
    decoded: list[torch.Tensor] = []
    plain = generate.decode
    monkeypatch.setattr(
        generate, "decode", lambda vae, codes: decoded.append(codes) or plain(vae, codes)
    )
    run(small_digits, tmp_path / "vae", tmp_path / "generated")
    lengths = torch.cat([codes.flatten(end_dim=-2).norm(dim=-1) for codes in decoded])
    torch.testing.assert_close(lengths, torch.ones_like(lengths))
