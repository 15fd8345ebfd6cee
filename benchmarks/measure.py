"""Measuring side by side: rounds that alternate, ratios within a round, the middle one of them.

A busy machine slows what runs in one round alike, so ratios hold where seconds don't. Processor
time is taken as well: it tells the work of this process whatever else runs.
"""

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, final

import numpy as np
import torch

Work = Callable[[int], None]
"""Does a piece of work so many times."""


@final
@dataclass(frozen=True, slots=True)
class Took:
    """What doing a piece of work once took, in seconds."""

    wall: float
    processor: float


@final
@dataclass(frozen=True, slots=True)
class Pace:
    """How long to measure.

    Attributes:
        rounds: in each of which every work is done in turn.
        seconds: that one work is given in a round.
    """

    rounds: int
    seconds: float


SHORT, FULL = Pace(3, 0.25), Pace(7, 1.5)


def alternate(works: Mapping[str, Work], pace: Pace, least: int = 1) -> list[dict[str, Took]]:
    """Do all ``works`` in turn, round after round; how often in a round is found by trying.

    Args:
        works: by name.
        pace: rounds, and seconds of a work in each.
        least: times that a work is done in a round.
    """
    times: dict[str, int] = {}
    for name, work in works.items():
        took(work, least)  # warms up
        once = took(work, least).wall
        times[name] = max(least, round(pace.seconds / max(once, 1e-6)))
    return [
        {name: took(work, times[name]) for name, work in works.items()} for _ in range(pace.rounds)
    ]


def took(work: Work, times: int) -> Took:
    """Say what doing ``work`` once takes, when it is done so many times."""
    synchronise()
    wall, processor = time.perf_counter(), time.process_time()
    work(times)
    synchronise()
    return Took((time.perf_counter() - wall) / times, (time.process_time() - processor) / times)


def seconds(rounds: list[dict[str, Took]], name: str) -> float:
    """Give the middle of the seconds that the work of that name took."""
    return statistics.median(each[name].wall for each in rounds)


def ratio(rounds: list[dict[str, Took]], over: str, under: str) -> dict[str, float]:
    """Give how many times as long ``over`` took as ``under``: the middle one of the rounds."""
    return {
        "wall": statistics.median(each[over].wall / each[under].wall for each in rounds),
        "processor": statistics.median(
            each[over].processor / max(each[under].processor, 1e-9) for each in rounds
        ),
    }


def synchronise() -> None:
    """Wait for the GPU, if there is one."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def peak_megabytes() -> float:
    """Give the most memory that this process has had resident so far."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("/proc/self/status names no VmHWM; expected Linux")


def machine() -> dict[str, Any]:
    """Describe where this is measured, and how busy it is."""
    packages = ("numpy", "scikit-learn", "pythae", "lightning", "dvc")
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 1),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "python": platform.python_version(),
        "torch": torch.__version__,
        **{name: _version(name) for name in packages},
    }


def _processor() -> str:
    flags: set[str] = set()
    name = platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            name = value.strip()
        if key.strip() == "flags":
            flags = set(value.split())
    found = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if flag in flags]
    return f"{name} ({', '.join(found)})"


def _version(package: str) -> str | None:
    if package == "numpy":
        return np.__version__
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
