"""PCA and encoding: aepipe beside scikit-learn and beside the bare network."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import torch
from sklearn.decomposition import PCA
from torch import Tensor

from aepipe.training.feed import Feed
from benchmarks.limits import products
from benchmarks.measure import Pace, alternate, ratio, seconds
from benchmarks.networks import NETWORKS, images
from benchmarks.trainer import Setting, build, resident

COMPONENTS = 30
BLOCK = 4096  # rows of one pass
BATCHES = (128, 1024)


def measure_pca(pace: Pace) -> dict[str, Any]:
    """Fit PCA in one pass over blocks, beside scikit-learn's fastest way on the whole array."""
    from aepipe.evaluation.pca import fit_pca

    rows = images().numpy()

    def ours(times: int) -> None:
        for _ in range(times):
            blocks = (
                rows[start : start + BLOCK].astype(np.float32) / 255
                for start in range(0, len(rows), BLOCK)
            )
            fit_pca(blocks, [COMPONENTS])

    def theirs(times: int) -> None:
        for _ in range(times):
            PCA(COMPONENTS, svd_solver="covariance_eigh").fit(rows.astype(np.float32) / 255)

    rounds = alternate({"aepipe": ours, "scikit-learn": theirs}, pace)
    return {
        "samples_per_second": len(rows) / seconds(rounds, "aepipe"),
        "times_faster_than": {"scikit-learn": ratio(rounds, "scikit-learn", "aepipe")},
    }


def measure_encoding(pace: Pace, device: torch.device) -> list[dict[str, Any]]:
    """Encode stored images with the deep network, beside its matrix products alone."""
    stored = images().to(device)
    return [
        _encoding(Setting(NETWORKS["deep"], batch, "float32", device, stored), pace)
        for batch in BATCHES
    ]


def _encoding(setting: Setting, pace: Pace) -> dict[str, Any]:
    network, rows, batch = build(setting)[0].eval(), resident(setting), setting.batch
    encode = cast(Callable[[Tensor], Tensor], network.encode)

    def ours(times: int) -> None:
        chosen = torch.arange(times * batch) % len(setting.stored)
        with torch.no_grad():
            for each in Feed(rows, rows, None, chosen, batch).in_order():
                encode(each.target).cpu().numpy()

    limit, _ = products(_without_gradient(encode, rows.fetch(torch.arange(batch))))
    rounds = alternate({"aepipe": ours, "products": limit}, pace, least=8)
    return {
        "batch": batch,
        "samples_per_second": batch / seconds(rounds, "aepipe"),
        "share_of_products": ratio(rounds, "products", "aepipe"),
    }


def _without_gradient(encode: Callable[[Tensor], Tensor], x: Tensor) -> Callable[[], None]:
    def step() -> None:
        with torch.no_grad():
            encode(x)

    return step
