"""Two files of weights side by side."""

from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file


def compare_weights(first: Path, second: Path) -> str | None:
    """Say how the weights in ``second`` differ from those in ``first``; None for the same bytes.

    Both are safetensors files. The largest difference is given as it is, and as a share of the
    largest weight of its tensor.
    """
    for path in (first, second):
        if not path.is_file():
            return f"{path.name}: one of both is missing"
    if first.read_bytes() == second.read_bytes():
        return None
    try:
        one, other = load_file(first), load_file(second)
    except SafetensorError as error:
        return f"one of both is no safetensors file ({error})"
    if {k: v.shape for k, v in one.items()} != {k: v.shape for k, v in other.items()}:
        return "they are of another architecture"
    largest, share, where = 0.0, 0.0, ""
    for name, weights in one.items():
        if weights.size == 0:
            continue
        change = float(np.abs(weights.astype(np.float64) - other[name]).max())
        scale = float(np.abs(weights).max())
        share = max(share, change / scale if scale else float(change > 0))
        if change > largest:
            largest, where = change, name
    if not where:
        return "the weights are equal, the files around them are not"
    return f"the weights differ by at most {largest:.3g} (in {where}), relatively {share:.3g}"
