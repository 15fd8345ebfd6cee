"""`evaluate.seeds`: what further trainings are, and that they change nothing of the first."""

import json
from pathlib import Path

import pytest

from aepipe.data.seeds import derive
from aepipe.models.digest import model_digest
from aepipe.monitor import Silent
from aepipe.params.corruption import CorruptionSection
from aepipe.params.evaluation import Probes
from aepipe.params.judgements import Further, Labels, Likelihood
from aepipe.params.load import load_params
from aepipe.params.root import Params
from aepipe.stages import appraise, corrupt, evaluate, finetune, model, pretrain, unroll, vae

SEED = 7
AGAIN = derive(SEED, "training 2")  # the seed of the second training
DECLARED = load_params(Path(__file__).parents[2] / "params.yaml")
PROBES = {"rows": 60, "linear": {"inverse_penalties": [1.0]}}
FURTHER = Further(
    labels=Labels(counts=(20,), draws=2), likelihood=Likelihood(samples=4, rows=10, binarised=False)
)


def small(section):
    """Give a section with everything in it small, for a fraction of a second of training."""
    content = section.model_dump() if hasattr(section, "model_dump") else section
    for key, value in content.items():
        if isinstance(value, dict):
            content[key] = small(value)
    changes = {"epochs": 1, "units": 6, "widths": (8,), "code_size": 3, "batch_size": 40,
               "warmup_epochs": 1, "k": 1, "patience": 1}  # fmt: skip
    return content | {key: changes[key] for key in content if key in changes}


@pytest.fixture(scope="module")
def declared() -> Params:
    layers = {name: small(DECLARED.stack.layers[name]) for name in ("first", "second")}
    content = DECLARED.model_dump()
    content |= {
        "stack": {"layers": layers},
        "models": {"k_sparse": small(DECLARED.models["k_sparse"])},
    }
    content |= {name: small(getattr(DECLARED, name)) for name in ("unroll", "finetune", "vae")}
    return Params.model_validate(content)


def train(declared: Params, dataset: Path, models: Path, seed: int, seeds: int) -> Path:
    """Run every stage that trains."""
    stack = models / "stack"
    for name, layer in declared.stack.layers.items():
        source = dataset if layer.input == "data/dataset" else stack / Path(layer.input).name
        params = pretrain.Params(seed, name, layer, seeds)
        pretrain.run(params, pretrain.Inputs(source), pretrain.Outputs(stack / name), Silent())
    for stage, section in ((unroll, declared.unroll), (finetune, declared.finetune)):
        outputs = stage.Outputs(models / stage.__name__.rpartition(".")[2])
        stage.run(
            stage.Params(seed, section, seeds), stage.Inputs(dataset, stack), outputs, Silent()
        )
    outputs = vae.Outputs(models / "vae")
    vae.run(vae.Params(seed, declared.vae, seeds), vae.Inputs(dataset), outputs, Silent())
    params = model.Params(seed, "k_sparse", declared.models["k_sparse"], seeds)
    model.run(params, model.Inputs(dataset), model.Outputs(models / "k_sparse"), Silent())
    return models


@pytest.fixture(scope="module")
def twice(declared, small_digits, tmp_path_factory) -> Path:
    models = tmp_path_factory.mktemp("twice")
    return train(declared, small_digits.folder, models, SEED, seeds=2)


@pytest.fixture(scope="module")
def other(declared, small_digits, tmp_path_factory) -> Path:
    """What a pipeline of the second seed makes."""
    models = tmp_path_factory.mktemp("other")
    return train(declared, small_digits.folder, models, AGAIN, seeds=1)


def contents(models: Path, further: bool) -> dict[str, bytes]:
    """Give the files of the first or of the second training, under the names of the first."""
    files = [path for path in models.rglob("*") if path.is_file()]
    return {
        str(path.relative_to(models)).replace("repeat-2/", ""): path.read_bytes()
        for path in files
        if ("repeat-2" in path.parts) == further
    }


def test_the_first_training_is_the_same_with_others_beside_it(
    declared, small_digits, twice, tmp_path
):
    alone = train(declared, small_digits.folder, tmp_path, SEED, seeds=1)
    assert contents(alone, further=True) == {}
    assert contents(alone, further=False) == contents(twice, further=False)
    for name in ("stack", "unroll", "finetune", "vae", "k_sparse"):
        assert model_digest(alone / name) == model_digest(twice / name)


def test_a_further_training_is_what_a_pipeline_of_its_seed_makes(twice, other):
    """Layer upon layer: each further layer stands on further layers."""
    again = contents(twice, further=True)
    assert len(again) > 20
    assert again == contents(other, further=False)
    assert again != contents(twice, further=False)


def judge(dataset: Path, folder: Path, trained: Path, seeds: int) -> dict:
    params = evaluate.Params(
        0, seeds, trained.name, Probes.model_validate(PROBES), 0.95, 50, 2, 16, FURTHER
    )
    reports = folder / trained.parent.name
    outputs = evaluate.Outputs(reports / f"{trained.name}.json", reports / trained.name)
    inputs = evaluate.Inputs(dataset, folder / "corrupted", trained)
    reports.mkdir(exist_ok=True)
    evaluate.run(params, inputs, outputs, Silent())
    return json.loads(outputs.figures.read_text())[trained.name]


@pytest.fixture(scope="module")
def court(small_digits, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("court")
    nothing = CorruptionSection.model_validate(
        {"conditions": [{"kind": "masking", "fraction": 0.3}]}
    )
    outputs = corrupt.Outputs(folder / "corrupted")
    corrupt.run(corrupt.Params(0, nothing), corrupt.Inputs(small_digits.folder), outputs, Silent())
    return folder


@pytest.mark.parametrize("name", ["stack", "finetune", "vae"])
def test_each_training_is_judged_as_if_it_were_alone(name, small_digits, twice, other, court):
    both = judge(small_digits.folder, court, twice / name, seeds=2)
    alone = judge(small_digits.folder, court, other / name, seeds=1)
    assert "repeats" not in alone
    alone.pop("map")
    assert both["repeats"] == [alone]


def test_samples_of_each_training_are_appraised(small_digits, twice, other, tmp_path):
    found = {}
    for models, seeds in ((twice, 2), (other, 1)):
        params = appraise.Params(0, seeds, "vae", "classifier", 40, 3, 4, 0.95, 50, 16)
        inputs = appraise.Inputs(small_digits.folder, models / "vae", twice / "finetune")
        folder = tmp_path / models.name
        folder.mkdir()
        outputs = appraise.Outputs(folder / "vae.json", folder / "vae")
        appraise.run(params, inputs, outputs, Silent())
        found[seeds] = json.loads(outputs.figures.read_text())
    assert found[2]["repeats"] == [found[1]]
