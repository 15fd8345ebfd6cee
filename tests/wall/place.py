"""A folder where all is in order: params, a dataset, tables, and a model of each sort."""

import shutil
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ruamel.yaml import YAML

from aepipe.data.dataset import open_dataset
from aepipe.models.build.unrolled import classifier_blueprint
from aepipe.models.files import construct, save_model
from aepipe.params.load import load_params
from aepipe.stages import corrupt, ingest, pca
from tests.blueprints import deep, vae

ROOT = Path(__file__).parents[2]
PARAMS = YAML(typ="safe").load((ROOT / "params.yaml").read_text())
SHAPE = [1, 8, 8]
DEEP, VAE = deep(SHAPE), vae(SHAPE)

Damage = Callable[[Path], None]
KeyPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Case:
    """One bad input.

    Attributes:
        name: what is wrong, in a few words.
        family: what kind of thing is.
        damage: makes it in the folder where all is in order.
        words: the command line that meets it, in that folder.
        environment: variables that are bad.
    """

    name: str
    family: str
    damage: Damage
    words: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()

    @property
    def title(self) -> str:
        return f"{self.family}: {self.name}"


def make_place(folder: Path) -> Path:
    """Lay everything down; networks have random weights, for nothing here asks what they know."""
    from aepipe.monitor import Silent

    write_params(
        folder, {"models": {}, "corruption.conditions": PARAMS["corruption"]["conditions"][:1]}
    )
    params = load_params(folder / "params.yaml")
    dataset, corrupted = folder / "data/dataset", folder / "data/corrupted"
    declared = ingest.Params(params.seed, params.data)
    ingest.run(declared, ingest.Inputs(), ingest.Outputs(dataset), Silent())
    noise = corrupt.Params(params.seed, params.corruption)
    corrupt.run(noise, corrupt.Inputs(dataset), corrupt.Outputs(corrupted), Silent())
    baseline = pca.Params(params.stack, params.vae, params.models)
    (folder / "models/pca").mkdir(parents=True)
    pca.run(baseline, pca.Inputs(dataset), pca.Outputs(folder / "models/pca"), Silent())
    torch.manual_seed(0)
    for name, blueprint in (
        ("autoencoder", DEEP),
        ("vae", VAE),
        ("classifier/finetuned", classifier_blueprint(DEEP, 10, 0.5)),
    ):
        save_model(folder / "models" / name, blueprint, construct(blueprint), facts={})
    np.save(folder / "rows.npy", open_dataset(dataset).features("test").load()[:5])
    return folder


def write_params(folder: Path, changes: Mapping[str | KeyPath, Any]) -> None:
    """Write the project's own params with some values replaced; nothing shared in them.

    Args:
        folder: to write ``params.yaml`` to.
        changes: by key path: its keys with dots between them, or one by one where they have dots.
    """
    whole = deepcopy(PARAMS)
    for path, value in changes.items():
        *keys, last = path.split(".") if isinstance(path, str) else path
        place = whole
        for key in keys:
            place = place[int(key) if isinstance(place, list) else key]
        place[int(last) if isinstance(place, list) else last] = deepcopy(value)
    with (folder / "params.yaml").open("w") as file:
        YAML(typ="safe").dump(whole, file)


def copy_place(place: Path, target: Path) -> Path:
    """Give a copy to be damaged."""
    return Path(shutil.copytree(place, target))


def contents(folder: Path) -> dict[str, bytes | None]:
    """Give everything that lies in a folder, by path, with the bytes of files."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
        if "mlruns" not in path.relative_to(folder).parts
    }
