"""Torch generators by purpose."""

import torch
from torch import Generator

from aepipe.data.seeds import derive


def generator(seed: int, purpose: str, device: torch.device) -> Generator:
    """Give the generator of ``purpose`` on ``device``, in its initial state."""
    return torch.Generator(device).manual_seed(derive(seed, purpose))


def seed_weights(seed: int, purpose: str) -> None:
    """Set the one global generator that torch's layers draw fresh weights from."""
    torch.manual_seed(derive(seed, purpose))
