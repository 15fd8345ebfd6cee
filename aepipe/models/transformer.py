"""The autoencoder of attention layers."""

import math
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TypedDict, final

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

from aepipe.models.outputs import Reconstruction, mean
from aepipe.models.sizes import sequence
from aepipe.models.steps import as_steps, from_steps, lengths

FEED_FORWARD = 4  # times the width, as in Vaswani et al. (2017)
LONGEST_WAVE = 10000.0  # of the positional encoding, in units of 2 pi steps, as there


class Attention(TypedDict):
    """How both halves of a transformer autoencoder are built.

    Attributes:
        width: features of a token, even and a multiple of ``heads``.
        heads: of each attention layer.
        layers: of either half.
    """

    width: int
    heads: int
    layers: int


class Masking(TypedDict):
    """What is hidden from the encoder in training.

    Attributes:
        fraction: of the steps that are read, in (0, 1).
        visible_weight: of errors on steps that are shown; hidden ones weigh 1.
    """

    fraction: float
    visible_weight: float


@final
class AttentionLayer(nn.Module):
    """Multi-head self-attention, then a perceptron on each token, each added to what came in.

    Vaswani et al. (2017), sections 3.2 and 3.3. torch's own layer computes in evaluation by
    another path than in training, whose last bits differ; this one gives the same in both.

    Args:
        width: features of a token.
        heads: divides ``width``.

    Shapes:
        input and output ``(batch, tokens, width)``.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(width)
        self.to_heads = nn.Linear(width, 3 * width)
        self.from_heads = nn.Linear(width, width)
        self.perceptron = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, FEED_FORWARD * width),
            nn.GELU(),
            nn.Linear(FEED_FORWARD * width, width),
        )

    def forward(self, tokens: Tensor, unseen: Tensor) -> Tensor:
        """Transform ``tokens``; none attends to an ``unseen`` one, ``(batch, tokens)``."""
        parts = self.to_heads(self.attention_norm(tokens)).unflatten(2, (3, self.heads, -1))
        query, key, value = parts.permute(
            2, 0, 3, 1, 4
        )  # each (batch, heads, tokens, width / heads)
        seen = ~unseen[:, None, None]
        mixed = scaled_dot_product_attention(query, key, value, attn_mask=seen)
        tokens = tokens + self.from_heads(mixed.transpose(1, 2).flatten(2))
        result: Tensor = tokens + self.perceptron(tokens)
        return result


@final
class TransformerAutoencoder(nn.Module):
    """Attention layers read the steps, whose mean gives the code; others unfold it again.

    Vaswani et al. (2017), "Attention is all you need", NIPS, with the norm before each sublayer
    (Xiong et al. 2020, ICML), which needs no warm-up. Each step of the decoder starts from the code
    and its own position, and none is told another's output.

    Steps can be hidden from the encoder, which then never sees them: He et al. (2022), "Masked
    autoencoders are scalable vision learners", CVPR, section 3.

    Args:
        shape: of one sample: ``(steps,)``, ``(steps, channels)``, or an image read row by row.
        attention: of both halves.
        masking: what is hidden in training, which the loss reads here; None where nothing is.
        code_size: features of the code, linear.
        reconstruction: what the raw output of ``decode`` means.

    Shapes:
        input and output ``(batch, *shape)``; code ``(batch, code_size)``.
    """

    def __init__(
        self,
        shape: Sequence[int],
        attention: Attention,
        masking: Masking | None,
        code_size: int,
        reconstruction: Reconstruction,
    ) -> None:
        super().__init__()
        self.shape = tuple(shape)
        self.code_size = code_size
        self.reconstruction = reconstruction
        self.width = attention["width"]
        self.masking = masking
        _, features = sequence(shape)
        self.to_token = nn.Linear(features, self.width)
        self.encoder = _layers(attention)
        self.encoder_norm = nn.LayerNorm(self.width)
        self.to_code = nn.Linear(self.width, code_size)
        self.from_code = nn.Linear(code_size, self.width)
        self.decoder = _layers(attention)
        self.decoder_norm = nn.LayerNorm(self.width)
        self.to_step = nn.Linear(self.width, features)

    def encode(self, x: Tensor, hidden: Tensor | None = None) -> Tensor:
        """Give the code ``(batch, code_size)`` of ``x``, ``(batch, *shape)``.

        Args:
            x: samples.
            hidden: ``(batch, steps)``, true for steps that are not to be seen; at least one of
                those that are read (:func:`steps.lengths`) has to be left.
        """
        steps = as_steps(x, self.shape)
        places = torch.arange(steps.shape[1], device=x.device)
        unseen = places >= lengths(steps)[:, None]
        if hidden is not None:
            unseen = unseen | hidden
        tokens = self.to_token(steps) + positions(steps.shape[1], self.width, x.device)
        tokens, unseen = _gathered(tokens, unseen)
        # fused kernels cannot be differentiated twice, as penalties on the input's derivative ask
        with sdpa_kernel(SDPBackend.MATH) if x.requires_grad else nullcontext():
            for layer in self.encoder:
                tokens = layer(tokens, unseen)
        pooled = self.encoder_norm(tokens).masked_fill(unseen[:, :, None], 0).sum(dim=1)
        code: Tensor = self.to_code(pooled / (~unseen).sum(dim=1, keepdim=True))
        return code

    def decode(self, code: Tensor) -> Tensor:
        """Give the raw output ``(batch, *shape)``."""
        steps, _ = sequence(self.shape)
        tokens = self.from_code(code)[:, None] + positions(steps, self.width, code.device)
        unseen = torch.zeros(tokens.shape[:2], dtype=torch.bool, device=code.device)
        for layer in self.decoder:
            tokens = layer(tokens, unseen)
        return from_steps(self.to_step(self.decoder_norm(tokens)), self.shape)

    def mean(self, raw: Tensor) -> Tensor:
        """Turn the raw output into the units of the input."""
        return mean(raw, self.reconstruction)


def positions(steps: int, width: int, device: torch.device) -> Tensor:
    r"""Sinusoidal encoding of the positions 0, 1, ..., ``(steps, width)``.

    .. math:: PE_{t, 2i} = \sin(t / 10000^{2i / width}), PE_{t, 2i+1} = \cos(t / 10000^{2i / width})

    Vaswani et al. (2017), section 3.5.
    """
    place = torch.arange(steps, device=device)[:, None]
    even = torch.arange(0, width, 2, device=device)
    angle = place * torch.exp(even * (-math.log(LONGEST_WAVE) / width))
    return torch.stack([angle.sin(), angle.cos()], dim=2).flatten(1)


def _gathered(tokens: Tensor, unseen: Tensor) -> tuple[Tensor, Tensor]:
    """Leave out what no sample of the batch sees; attention does not mind the order of tokens."""
    most = int((~unseen).sum(dim=1).max())
    order = unseen.int().argsort(dim=1, stable=True)[:, :most]
    wide = order[:, :, None].expand(-1, -1, tokens.shape[2])
    return tokens.gather(1, wide), unseen.gather(1, order)


def _layers(attention: Attention) -> nn.ModuleList:
    width, heads = attention["width"], attention["heads"]
    return nn.ModuleList([AttentionLayer(width, heads) for _ in range(attention["layers"])])
