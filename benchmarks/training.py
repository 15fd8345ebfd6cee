"""Training throughput beside the machine's limit and beside other libraries."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

import torch

from benchmarks import peers
from benchmarks.limits import products
from benchmarks.measure import Pace, alternate, ratio, seconds
from benchmarks.networks import NETWORKS, images
from benchmarks.trainer import Precision, Setting, one_step, training

BATCHES = (32, 128, 256, 1024)
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")
AIMED = (  # what the project promises, at the batches that it promises it for
    ("deep", 256, "float32"),
    ("denoising layer", 256, "float32"),
    ("vae", 128, "float32"),
    ("vae", 128, "bfloat16"),
)
LEAST = 32  # steps in a round: the start and the end of an epoch shall not dominate


@final
@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure.

    Attributes:
        settings: names of networks, batches and precisions.
        pace: of all of it.
        device: where.
        beside: whether other libraries run in the same rounds.
    """

    settings: Sequence[tuple[str, int, Precision]]
    pace: Pace
    device: torch.device
    beside: bool


def whole_grid() -> list[tuple[str, int, Precision]]:
    """Give every network at every batch in both precisions."""
    return [(n, b, p) for n in NETWORKS for b in BATCHES for p in PRECISIONS]


def measure(plan: Plan) -> Iterator[dict[str, Any]]:
    """Give a row for each setting, as soon as it is measured."""
    stored = images().to(plan.device)
    for name, batch, precision in plan.settings:
        yield _row(name, Setting(NETWORKS[name], batch, precision, plan.device, stored), plan)


def _row(name: str, setting: Setting, plan: Plan) -> dict[str, Any]:
    limit, flops = products(one_step(setting))
    works = {"aepipe": training(setting), "products": limit}
    if plan.beside:
        works |= peers.present(setting, name)
    rounds = alternate(works, plan.pace, LEAST)
    step = seconds(rounds, "aepipe")
    others = [peer for peer in works if peer not in ("aepipe", "products")]
    return {
        "network": name,
        "batch": setting.batch,
        "precision": setting.precision,
        "samples_per_second": setting.batch / step,
        "gflops": flops / step / 1e9,
        "share_of_products": ratio(rounds, "products", "aepipe"),
        "times_faster_than": {peer: ratio(rounds, peer, "aepipe") for peer in others},
    }
