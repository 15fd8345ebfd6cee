"""Train all members of a sweep at once, and choose the best setting on the validation split.

Selection on validation as in Vincent et al. (2010), JMLR 11:3371, section 6.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aepipe.data.dataset import Dataset, open_dataset
from aepipe.evaluation.threads import one_thread
from aepipe.files import write_json
from aepipe.models.build import model_blueprint
from aepipe.models.files import save_model
from aepipe.monitor import Monitor
from aepipe.params.members import Setting, settings
from aepipe.params.sweep import Sweep
from aepipe.signature import instance, section
from aepipe.sweeps.build import Candidate, train_all
from aepipe.sweeps.choose import Score, decisive, restored, score, winner
from aepipe.sweeps.loop import Trained
from aepipe.sweeps.overlay import overlay
from aepipe.training.state import best_epoch


@dataclass(frozen=True, slots=True)
class Params:
    """Sections of params.yaml that the stage reads."""

    seed: int
    name: str = instance()
    sweep: Sweep = section("sweep.{name}")


@dataclass(frozen=True, slots=True)
class Inputs:
    """The dataset."""

    dataset: Path


@dataclass(frozen=True, slots=True)
class Outputs:
    """Folder with ``members.parquet``, ``curves.parquet``, ``winner.yaml`` and the best network.

    ``winner.yaml`` is what to put over ``params.yaml``: an entry of ``models:`` under the name of
    the sweep, which stage ``model`` trains to the same network as the sweep did, but for rounding.
    That network, of the first seed, is ``model.json``, ``weights.safetensors``, ``history.json``.
    """

    swept: Path


def run(params: Params, inputs: Inputs, outputs: Outputs, monitor: Monitor) -> None:
    """Train on the training split; stop and choose on the validation split."""
    sweep, title = params.sweep, f"model@{params.name}"
    dataset = open_dataset(inputs.dataset)
    tried = settings(params.name, sweep, params.seed)
    seeds = sweep.seeds or (params.seed,)
    candidates = [Candidate(each.model, seed, title) for each in tried for seed in seeds]

    trained = train_all(candidates, dataset, monitor)

    choose = decisive(sweep.choose, dataset, monitor)
    with one_thread():
        pairs = [*zip(candidates, trained, strict=True)]
        scores = [
            score(*each, choose, dataset, monitor)
            for each in monitor.progress(pairs, "judge members", len(pairs))
        ]
    of_setting = [scores[at : at + len(seeds)] for at in range(0, len(scores), len(seeds))]
    best = winner(of_setting, choose)
    write_tables(outputs.swept, rows_of(tried, seeds, best), trained, scores)
    text = overlay(params.name, tried, best, choose)
    (outputs.swept / "winner.yaml").write_text(text, encoding="utf-8", newline="\n")
    chosen = best * len(seeds)
    save(outputs.swept, candidates[chosen], trained[chosen], dataset)
    shown = ", ".join(f"{path} {value}" for path, value in tried[best].values.items())
    monitor.remark(f"setting {best + 1} of {len(tried)} is best: {shown}")


def rows_of(tried: Sequence[Setting], seeds: Sequence[int], best: int) -> list[dict[str, Any]]:
    """Give what is known of each member before it is trained."""
    return [
        {
            "setting": number,
            "seed": seed,
            "values": json.dumps(dict(setting.values)),
            "winner": number == best,
        }
        for number, setting in enumerate(tried)
        for seed in seeds
    ]


def write_tables(
    folder: Path,
    rows: Sequence[dict[str, Any]],
    trained: Sequence[Trained],
    scores: Sequence[Score],
) -> None:
    """Write ``members.parquet``, a row for each, and ``curves.parquet``, all figures of all epochs.

    Raises:
        ContractError: they are not what other stages may rely on.
    """
    # imported here, at the stage's end: it takes most of a second, and training starts without it
    import pandas as pd

    from aepipe.data.contracts import checked, write_table
    from aepipe.data.sweep_contracts import Curves, Members

    folder.mkdir(parents=True, exist_ok=True)
    members = [
        {
            "member": number,
            **row,
            "epochs": len(each.history),
            "best_epoch": int(best_epoch(each.history)["epoch"]) if each.history else 0,
            "diverged": each.diverged,
            **{name: _known(value) for name, value in asdict(judged).items()},
        }
        for number, (row, each, judged) in enumerate(zip(rows, trained, scores, strict=True))
    ]
    curves = [
        {"member": number, "epoch": int(row["epoch"]), "figure": figure, "value": value}
        for number, each in enumerate(trained)
        for row in each.history
        for figure, value in row.items()
        if figure != "epoch"
    ]
    frame = pd.DataFrame(members)
    path = folder / "members.parquet"
    write_table(path, checked(Members, frame, path))
    columns = ["member", "epoch", "figure", "value"]
    path = folder / "curves.parquet"
    write_table(path, checked(Curves, pd.DataFrame(curves, columns=columns), path))


def _known(figure: float | None) -> float:
    """Give what a table has for a figure that is infinite, or was not asked for: none."""
    return figure if figure is not None and math.isfinite(figure) else math.nan


def save(folder: Path, candidate: Candidate, trained: Trained, dataset: Dataset) -> None:
    """Write the network of a member, and how it was trained."""
    blueprint = model_blueprint(candidate.model, dataset.shape)
    save_model(folder, blueprint, restored(candidate.model, trained, dataset), facts={})
    write_json(folder / "history.json", trained.history)
