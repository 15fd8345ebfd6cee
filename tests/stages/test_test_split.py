"""Nothing that learns, chooses or draws can know the test split: it is spoiled, and none notices.

Every stage of `dvc.yaml` but those that make the split, judge by it or tell of that runs twice, for
an epoch: on the digits, and on the same with test features that no reader could open and other
test labels. Had one read a feature it would fail; had one used a label its bytes would differ.
"""

import shlex
import shutil
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
from dvc.repo import Repo
from ruamel.yaml import YAML

from aepipe.__main__ import parser
from aepipe.command import parse_call, run_call, stage_names
from aepipe.data.contracts import write_table
from aepipe.monitor import Silent

# dvc uses what its dependency pygtrie is about to change
pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")

ROOT = Path(__file__).parents[2]
MAKE = {"ingest", "corrupt"}
JUDGE = {"evaluate", "appraise"}
TELL = {"compare", "report", "register"}  # of what was judged, with pictures of it
BLIND = {"pca", "pretrain", "unroll", "finetune", "vae", "model", "sweep", "generate"}


def commands() -> list[list[str]]:
    """Words after `aepipe` of every blind stage, in an order that puts needs first."""
    with Repo(str(ROOT)) as repository:
        needs = {
            stage: {dep.def_path for dep in stage.deps if not hasattr(dep, "params")}
            for stage in repository.index.stages
        }
    blind = {stage: paths for stage, paths in needs.items() if module(stage) in BLIND}
    makers = {out.def_path: stage for stage in blind for out in stage.outs}
    order: list[list[str]] = []
    while blind:
        ready = [
            stage
            for stage, paths in blind.items()
            if not any(
                makers[out] in blind and (out == path or out.startswith(f"{path}/"))
                for path in paths
                for out in makers
            )
        ]
        order += [shlex.split(stage.cmd)[3:] for stage in ready]
        for stage in ready:
            del blind[stage]
    return order


def module(stage) -> str:
    words = shlex.split(stage.cmd)
    return words[words.index("stage") + 1]


def shortened() -> dict:
    raw = YAML(typ="safe").load((ROOT / "params.yaml").read_text())
    trained = [*raw["stack"]["layers"].values(), *raw["models"].values()]
    trained += [sweep["model"] for sweep in raw["sweep"].values()]
    for section in [*trained, raw["unroll"], raw["finetune"], raw["vae"]]:
        section["training"] = {**section["training"], "epochs": 1}
    raw["vae"]["warmup_epochs"] = 0
    return raw


@contextmanager
def silent(call, outputs):
    yield Silent()


def spoil(dataset: Path) -> None:
    for path in (dataset / "features" / "test").iterdir():
        path.write_bytes(b"not for you")
    samples = pd.read_parquet(dataset / "samples.parquet")
    test = samples["split"] == "test"
    samples["label"] = samples["label"].where(~test, (samples["label"] + 1) % 10)
    write_table(dataset / "samples.parquet", samples)


@pytest.fixture
def run_blind_stages(small_digits, tmp_path, monkeypatch):
    """Give a function from a change of the dataset to the folder of all that the stages made."""
    words = commands()

    def run(name: str, change) -> Path:
        folder = tmp_path / name
        shutil.copytree(small_digits.folder, folder / "data" / "dataset")
        change(folder / "data" / "dataset")
        with (folder / "params.yaml").open("w") as file:
            YAML().dump(shortened(), file)
        monkeypatch.chdir(folder)
        for command in words:
            arguments = parser(command).parse_args(command)
            run_call(parse_call(command[1], arguments), silent, lambda call, outputs: None)
        return folder

    return run


def test_every_stage_makes_judges_tells_or_is_blind():
    groups = [MAKE, JUDGE, TELL, BLIND]
    assert sorted(name for group in groups for name in group) == stage_names()


def test_no_stage_that_learns_chooses_or_draws_can_tell_one_test_split_from_another(
    run_blind_stages,
):
    whole, spoiled = (
        run_blind_stages(name, change)
        for name, change in [("whole", lambda dataset: None), ("spoiled", spoil)]
    )
    made = {
        path.relative_to(whole): path.read_bytes()
        for part in ("models", "reports")
        for path in (whole / part).rglob("*")
        if path.is_file()
    }
    assert len({path.parts[1] for path in made}) == 9  # folders of models, and one of pictures
    for path, content in made.items():
        assert (spoiled / path).read_bytes() == content, path
