"""Where a stage computes, and in which precision."""

import os
from contextlib import AbstractContextManager
from typing import Literal

import torch

from aepipe.errors import ParamsError


def choose_device() -> torch.device:
    """Give the device of ``AEPIPE_DEVICE``, else CUDA, else Apple's GPU, else the CPU.

    Raises:
        ParamsError: the named device does not exist here.
    """
    asked = os.environ.get("AEPIPE_DEVICE")
    if asked:
        try:
            return torch.zeros(1, device=asked).device
        except (RuntimeError, AssertionError) as error:
            first = str(error).splitlines()[0]
            raise ParamsError(
                f"AEPIPE_DEVICE={asked}: no such device here ({first}); "
                "expected cpu, cuda, cuda:N or mps"
            ) from None
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def make_deterministic(device: torch.device) -> None:
    """Ask torch for kernels that give the same bytes each time; those without one raise.

    The CPU's kernels do so as they are, and asking would cost a second of imports.
    """
    if device.type != "cpu":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what cuBLAS needs for that
        torch.use_deterministic_algorithms(True)


def promise(kind: str, threads: int) -> str | None:
    """Say what else has to be equal for the same bytes; None where it is the processor alone.

    Args:
        kind: of the device, as torch names it.
        threads: that torch computes in on the CPU.
    """
    if kind != "cpu":
        return f"on {kind}: the same bytes come on the same kind of GPU alone"
    if threads == 1:
        return None
    return f"in {threads} threads: the same bytes come with as many (OMP_NUM_THREADS={threads})"


def precision_context(
    device: torch.device, precision: Literal["float32", "bfloat16"]
) -> AbstractContextManager[None]:
    """Run matrix products in ``precision`` inside the block; weights stay in float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16")
