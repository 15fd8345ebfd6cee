"""Trainings of one model with further seeds, kept in the folder of the first.

``evaluate.seeds`` says how many trainings there are. The first is the model that everything uses;
the others share its declaration, its data and their splits, and differ in what a seed decides:
first weights, the order of samples, noise. They are there to show how much of a figure is chance.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import final

from aepipe.data.seeds import derive
from aepipe.monitor import Monitor, Prefixed

PREFIX = "repeat-"  # a hyphen is in no name that params.yaml can give


@final
@dataclass(frozen=True, slots=True)
class Repeat:
    """One of the trainings of a model.

    Attributes:
        number: from 1.
        seed: from which all of its randomness is derived; that of the first is the pipeline's.
        folder: where the model goes.
        monitor: of which the figures of further trainings carry the number.
    """

    number: int
    seed: int
    folder: Path
    monitor: Monitor


def repeats(seed: int, seeds: int, folder: Path, monitor: Monitor) -> Iterator[Repeat]:
    """Give each training of the model in ``folder``, the first one first.

    Args:
        seed: the pipeline's.
        seeds: how many there are.
        folder: of the first.
        monitor: of the stage.
    """
    yield Repeat(1, seed, folder, monitor)
    for number in range(2, seeds + 1):
        prefixed = Prefixed(monitor, f"training_{number}")
        again = derive(seed, f"training {number}")
        yield Repeat(number, again, repeat_folder(folder, number), prefixed)


def repeat_folder(folder: Path, number: int) -> Path:
    """Give where training ``number`` of the model in ``folder`` lies."""
    return folder if number == 1 else folder / f"{PREFIX}{number}"


def is_repeat(path: Path, folder: Path) -> bool:
    """Say whether a file below ``folder`` belongs to a further training."""
    return any(part.startswith(PREFIX) for part in path.relative_to(folder).parts)
