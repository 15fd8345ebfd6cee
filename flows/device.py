"""Whether this machine can do what a pool promises."""

import subprocess
import sys
from dataclasses import dataclass, field
from typing import Literal, final

from aepipe.errors import AepipeError

CUDA = "cuda"  # a pool of this name, or cuda-ANYTHING, promises it
ASK = "import sys, torch; sys.exit(not torch.cuda.is_available())"
Fallback = Literal["cpu"]


@final
@dataclass(frozen=True, slots=True)
class Place:
    """Where stages compute.

    Attributes:
        device: ``cuda`` or ``cpu``.
        fell_back: the pool promises CUDA, and there is none.
        environment: what tells the stages.
    """

    device: str
    fell_back: bool = False
    environment: dict[str, str] = field(default_factory=dict)


def find_place(pool: str, fallback: Fallback | None) -> Place:
    """Give where a stage that was sent to ``pool`` computes on this machine.

    Raises:
        AepipeError: the pool promises CUDA, there is none, and there is no fallback.
    """
    on_processor = {"AEPIPE_DEVICE": "cpu"}
    if pool.split("-")[0] != CUDA:
        return Place("cpu", environment=on_processor)  # a GPU here belongs to another worker
    if _has_cuda():
        return Place(CUDA)
    if fallback is None:
        raise AepipeError(
            f"the pool {pool} promises CUDA and torch finds none on this worker; start the worker "
            "where there is a GPU, or let its deployment have `fallback: cpu`"
        )
    return Place("cpu", fell_back=True, environment=on_processor)


def _has_cuda() -> bool:
    # in a process of its own, since one that has asked keeps memory of the GPU
    return subprocess.run([sys.executable, "-c", ASK], check=False).returncode == 0
