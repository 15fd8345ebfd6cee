"""The recurrent autoencoder."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Literal, TypedDict, final

import torch
from torch import Tensor, nn

from aepipe.models.outputs import Reconstruction, mean
from aepipe.models.sizes import sequence
from aepipe.models.steps import as_steps, from_steps, lengths

State = tuple[Tensor, Tensor]


class Recurrence(TypedDict):
    """How both halves of a recurrent autoencoder are built.

    Attributes:
        hidden_size: units of each layer.
        layers: of either half.
        decoder: ``unconditional`` sees the code alone; ``conditional`` the step before, too.
        reversed: whether the decoder gives the last step first.
    """

    hidden_size: int
    layers: int
    decoder: Literal["unconditional", "conditional"]
    reversed: bool


@final
class LstmAutoencoder(nn.Module):
    """One LSTM reads the steps; from its last state comes the code, and another LSTM unfolds it.

    Srivastava, Mansimov and Salakhutdinov (2015), "Unsupervised learning of video representations
    using LSTMs", ICML, sections 2.2 and 2.4. Where they hand the whole state over, here it passes
    through a linear code of chosen size, from which the decoder's first state is made and which it
    sees at each step. Their decoder unfolds the steps in reverse, which ``reversed`` does.

    Args:
        shape: of one sample: ``(steps,)``, ``(steps, channels)``, or an image read row by row.
        recurrence: of both halves.
        code_size: features of the code, linear.
        reconstruction: what the raw output of ``decode`` means.

    Shapes:
        input and output ``(batch, *shape)``; code ``(batch, code_size)``.
    """

    def __init__(
        self,
        shape: Sequence[int],
        recurrence: Recurrence,
        code_size: int,
        reconstruction: Reconstruction,
    ) -> None:
        super().__init__()
        self.shape = tuple(shape)
        self.code_size = code_size
        self.reconstruction = reconstruction
        self.conditional = recurrence["decoder"] == "conditional"
        self.reversed = recurrence["reversed"]
        hidden, layers = recurrence["hidden_size"], recurrence["layers"]
        _, features = sequence(shape)
        self.encoder = nn.LSTM(features, hidden, layers, batch_first=True)
        self.to_code = nn.Linear(hidden, code_size)
        self.to_state = nn.Linear(code_size, 2 * layers * hidden)
        seen = code_size + (features if self.conditional else 0)
        self.decoder = nn.LSTM(seen, hidden, layers, batch_first=True)
        self.to_step = nn.Linear(hidden, features)

    def encode(self, x: Tensor) -> Tensor:
        """Give the code ``(batch, code_size)`` of ``x``, ``(batch, *shape)``."""
        steps = as_steps(x, self.shape)
        # cuDNN's layer cannot be differentiated twice, as penalties on the input's derivative ask
        with torch.backends.cudnn.flags(enabled=False) if x.requires_grad else nullcontext():
            states, _ = self.encoder(steps)  # (batch, steps, hidden); none sees a later step
        last = states[torch.arange(len(x), device=x.device), lengths(steps) - 1]
        code: Tensor = self.to_code(last)
        return code

    def decode(self, code: Tensor) -> Tensor:
        """Give the raw output ``(batch, *shape)``; a conditional decoder sees what it has given."""
        if self.conditional:
            return self._ordered(self._unfolded(code))
        steps, _ = sequence(self.shape)
        states, _ = self.decoder(code[:, None].expand(-1, steps, -1), self._state(code))
        return self._ordered(self.to_step(states))

    def decode_towards(self, code: Tensor, target: Tensor) -> Tensor:
        """Give the raw output where each step is told the true one before it, all steps at once.

        Srivastava et al. (2015), section 2.4: how a conditional decoder is trained ("teacher
        forcing"; Williams and Zipser 1989). An unconditional one is told nothing.

        Args:
            code: ``(batch, code_size)``.
            target: ``(batch, *shape)``.
        """
        if not self.conditional:
            return self.decode(code)
        wanted = as_steps(target, self.shape)
        wanted = wanted.flip(1) if self.reversed else wanted
        before = torch.cat([torch.zeros_like(wanted[:, :1]), wanted[:, :-1]], dim=1)
        constant = code[:, None].expand(-1, wanted.shape[1], -1)
        states, _ = self.decoder(torch.cat([constant, before], dim=2), self._state(code))
        return self._ordered(self.to_step(states))

    def mean(self, raw: Tensor) -> Tensor:
        """Turn the raw output into the units of the input."""
        return mean(raw, self.reconstruction)

    def _unfolded(self, code: Tensor) -> Tensor:
        """Give the steps in the decoder's order, each from the one that it gave before."""
        steps, features = sequence(self.shape)
        state, before = self._state(code), code.new_zeros(len(code), features)
        given: list[Tensor] = []
        for _ in range(steps):
            hidden, state = self.decoder(torch.cat([code, before], dim=1)[:, None], state)
            given.append(self.to_step(hidden[:, 0]))
            before = self.mean(given[-1])
        return torch.stack(given, dim=1)

    def _state(self, code: Tensor) -> State:
        """Make the decoder's first state, hidden and cell, each ``(layers, batch, hidden)``."""
        state = self.to_state(code).unflatten(1, (2, self.decoder.num_layers, -1))
        hidden, cell = state.permute(1, 2, 0, 3).contiguous()
        return torch.tanh(hidden), cell  # an LSTM's hidden units lie in (-1, 1)

    def _ordered(self, steps: Tensor) -> Tensor:
        return from_steps(steps.flip(1) if self.reversed else steps, self.shape)
