"""CONTRIBUTING's "Add a penalty", done to a copy of the package: three edits, and it trains."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

FUNCTION = '''

def decorrelation(code: Tensor) -> Tensor:
    """Squared covariances between different units, summed."""
    centred = code - code.mean(dim=0)
    covariance = centred.T @ centred / len(code)
    return (covariance - covariance.diag().diag()).square().sum()
'''
SECTION = '''class Decorrelation(Section):
    """Squared covariances between different units."""

    kind: Literal["decorrelation"]
    weight: PositiveFloat


Penalty = Annotated[
    Decorrelation
    | L1'''
CASE = """    match penalty:
        case Decorrelation():
            return lambda seen: decorrelation(seen.code)
"""
EDITS = {  # file: what stands there, what replaces it, each once
    "aepipe/objectives/penalties.py": [("\n\n@final\nclass RunningSparsity", FUNCTION)],
    "aepipe/params/penalties.py": [("Penalty = Annotated[\n    L1", SECTION)],
    "aepipe/objectives/build/penalties.py": [
        ("    match penalty:\n", CASE),
        ("    kl_sparsity,\n", "    decorrelation,\n    kl_sparsity,\n"),  # its imports
        ("    ContractiveHutchinson,\n", "    ContractiveHutchinson,\n    Decorrelation,\n"),
    ],
}
PROGRAM = """
import torch
from aepipe.models.build import model_blueprint
from aepipe.models.files import construct
from aepipe.objectives.build import model_loss
from aepipe.objectives.loss import Batch
from aepipe.params.load import validate
from aepipe.params.models import Autoencoder

config = validate(Autoencoder, {
    "kind": "autoencoder",
    "architecture": {"kind": "dense", "widths": [], "code_size": 4, "activation": "relu"},
    "reconstruction": "squared", "corruption": {"kind": "none"},
    "penalties": [{"kind": "decorrelation", "weight": 1000.0}],
    "training": {"epochs": 1, "batch_size": 8, "learning_rate": 0.01, "schedule": "constant",
                 "weight_decay": 0.0, "patience": 1, "precision": "float32"},
}, "model")
torch.manual_seed(0)
network = construct(model_blueprint(config, (10,)))
loss = model_loss(config, network, (0.0, 1.0))
optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
x = torch.rand(64, 10)
batch = Batch(x, x, torch.empty(0))
values = []
for epoch in range(200):
    terms = loss(batch, torch.Generator(), epoch)
    optimizer.zero_grad()
    sum(terms.values()).backward()
    optimizer.step()
    values.append(terms["decorrelation"].item())
print(values[0], values[-1])
"""


def edited(source: str, edits: list[tuple[str, str]]) -> str:
    for old, new in edits:
        assert source.count(old) == 1, old
        source = source.replace(old, new + old if new is FUNCTION else new)
    return source


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("copy")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "aepipe", folder / "aepipe", ignore=ignored)
    for name, edits in EDITS.items():
        path = folder / name
        path.write_text(edited(path.read_text(), edits))
    return folder


def test_the_three_files_are_those_that_contributing_names():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    section = re.search(r"## Add a penalty\n(.*?)\n## ", text, re.DOTALL).group(1)
    steps = re.findall(r"^\d\. `(aepipe/[\w/]+\.py)`", section, re.MULTILINE)
    assert steps == list(EDITS)


def test_one_function_one_section_and_one_case_are_enough_to_train_with_it(copy):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=False,
        cwd=copy,  # before this repository on the path
        env={"PYTHONPATH": str(copy), "PATH": "", "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    first, last = map(float, done.stdout.split())
    assert last < 0.1 * first


def test_nothing_else_differs(copy):
    differing = [
        str(path.relative_to(copy))
        for path in sorted(copy.rglob("*.py"))
        if path.read_bytes() != (ROOT / path.relative_to(copy)).read_bytes()
    ]
    assert sorted(differing) == sorted(EDITS)
