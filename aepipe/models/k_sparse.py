"""The k-sparse autoencoder."""

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from aepipe.models.outputs import Reconstruction, mean


@final
class KSparseAutoencoder(nn.Module):
    """Linear encoder of whose activations only the k largest count; tied decoder.

    Makhzani and Frey (2014), "k-sparse autoencoders", ICLR, algorithm 1.

    Args:
        shape: of one sample.
        code_size: hidden units; may exceed the number of features.
        k: units that stay active in training.
        evaluation_k: units that stay active in evaluation (the paper's alpha times k).
        reconstruction: what the raw output of ``decode`` means.

    Shapes:
        input and output ``(batch, *shape)``; code ``(batch, code_size)`` with at most k non-zeros.

    Raises:
        ValueError: ``k`` or ``evaluation_k`` exceeds ``code_size``.
    """

    def __init__(
        self,
        shape: Sequence[int],
        code_size: int,
        k: int,
        evaluation_k: int,
        reconstruction: Reconstruction,
    ) -> None:
        super().__init__()
        if max(k, evaluation_k) > code_size:
            raise ValueError(
                f"k {k} and evaluation k {evaluation_k} must not exceed code_size {code_size}"
            )
        self.shape = tuple(shape)
        self.code_size = code_size
        self.k = k
        self.evaluation_k = evaluation_k
        self.reconstruction = reconstruction
        features = torch.Size(shape).numel()
        self.encoder = nn.Linear(features, code_size)
        self.decoder_bias = nn.Parameter(torch.zeros(features))

    def encode(self, x: Tensor) -> Tensor:
        """Give the sparse code ``(batch, code_size)`` of ``x``, ``(batch, *shape)``."""
        k = self.k if self.training else self.evaluation_k
        return keep_largest(self.encoder(x.flatten(1)), k)

    def decode(self, code: Tensor) -> Tensor:
        """Give the raw output ``(batch, *shape)``."""
        flat = linear(code, self.encoder.weight.T, self.decoder_bias)
        return flat.view(-1, *self.shape)

    def mean(self, raw: Tensor) -> Tensor:
        """Turn the raw output into the units of the input."""
        return mean(raw, self.reconstruction)


def keep_largest(activations: Tensor, k: int) -> Tensor:
    """Set all but the ``k`` largest of each row of ``(batch, units)`` to 0."""
    values, places = activations.topk(k, dim=1)
    return torch.zeros_like(activations).scatter(1, places, values)
