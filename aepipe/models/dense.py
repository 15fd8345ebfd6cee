"""Dense networks: one layer of a stack, the stack unrolled, the mirror-image perceptron."""

from collections.abc import Sequence
from typing import final

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from aepipe.models.k_sparse import KeepLargest
from aepipe.models.outputs import Activation, Reconstruction, activation, mean
from aepipe.models.perceptron import Options, behind, has_bias, linears, perceptron


@final
class DenseLayer(nn.Module):
    """One layer's autoencoder, the building block of a stack.

    Vincent et al. (2010), JMLR 11:3371, equations 2 and 3.

    Args:
        input_size: features per sample.
        units: features of the code.
        nonlinearity: of the code.
        tied: the decoder's weight is the encoder's transpose, not one of its own.
        reconstruction: what the raw output of ``decode`` means.

    Shapes:
        input ``(batch, input_size)``, in [0, 1] for ``bernoulli``; code ``(batch, units)``.
    """

    def __init__(
        self,
        input_size: int,
        units: int,
        nonlinearity: Activation,
        tied: bool,
        reconstruction: Reconstruction,
    ) -> None:
        super().__init__()
        self.shape: tuple[int, ...] = (input_size,)
        self.code_size = units
        self.reconstruction = reconstruction
        self.encoder = nn.Linear(input_size, units)
        self.nonlinearity = activation(nonlinearity)
        self.decoder_weight = None if tied else nn.Parameter(self.encoder.weight.detach().T.clone())
        self.decoder_bias = nn.Parameter(torch.zeros(input_size))

    def encode(self, x: Tensor) -> Tensor:
        """Give the code ``(batch, units)`` of ``x``, ``(batch, input_size)``."""
        code: Tensor = self.nonlinearity(self.encoder(x.flatten(1)))
        return code

    def decode(self, code: Tensor) -> Tensor:
        """Give the raw output ``(batch, input_size)``."""
        if self.decoder_weight is None:
            # so that both uses of the weight give gradients of one layout, which add up fast
            return torch.addmm(self.decoder_bias, code, self.encoder.weight)
        return linear(code, self.decoder_weight, self.decoder_bias)

    def weight_back(self) -> Tensor:
        """Give the decoder's weight, ``(input_size, units)``."""
        return self.encoder.weight.T if self.decoder_weight is None else self.decoder_weight

    def mean(self, raw: Tensor) -> Tensor:
        """Turn the raw output into the units of the input."""
        return mean(raw, self.reconstruction)


@final
class DeepAutoencoder(nn.Module):
    """Dense encoder and decoder of any depth, each hidden layer with an activation of its own.

    With a stack's weights this is its unrolled form: Hinton and Salakhutdinov (2006), Science
    313:504, figure 1. With fresh weights it is the ordinary mirror-image perceptron.

    Args:
        shape: of one sample, ``(features,)`` or ``(channels, height, width)``.
        widths: of the encoder's layers, input side first, the code last; the decoder mirrors them.
        nonlinearities: of the encoder's layers, the code's last.
        decoder_nonlinearities: of the decoder's hidden layers, the one next to the code first.
        reconstruction: what the raw output of ``decode`` means.
        options: of the hidden layers; none where it is left out.

    Shapes:
        input and output ``(batch, *shape)``; code ``(batch, widths[-1])``.
    """

    def __init__(
        self,
        shape: Sequence[int],
        widths: Sequence[int],
        nonlinearities: Sequence[Activation],
        decoder_nonlinearities: Sequence[Activation],
        reconstruction: Reconstruction,
        options: Options | None = None,
    ) -> None:
        super().__init__()
        self.shape = tuple(shape)
        self.code_size = widths[-1]
        self.reconstruction = reconstruction
        sizes = [torch.Size(shape).numel(), *widths]
        self.encoder = perceptron(sizes, nonlinearities, options)
        above: Options = {**(options or {}), "kept": []}  # the decoder's units are never cut
        self.decoder = perceptron(sizes[::-1], [*decoder_nonlinearities, "linear"], above)

    def encode(self, x: Tensor) -> Tensor:
        """Give the code ``(batch, code_size)`` of ``x``, ``(batch, *shape)``."""
        code: Tensor = self.encoder(x.flatten(1))
        return code

    def decode(self, code: Tensor) -> Tensor:
        """Give the raw output ``(batch, *shape)``."""
        raw: Tensor = self.decoder(code)
        return raw.view(-1, *self.shape)

    def mean(self, raw: Tensor) -> Tensor:
        """Turn the raw output into the units of the input."""
        return mean(raw, self.reconstruction)


@final
class TiedAutoencoder(nn.Module):
    """Dense autoencoder of any depth whose decoder is the encoder's transpose, layer by layer.

    Vincent et al. (2010), JMLR 11:3371, section 2.2, of one layer; here of each. Biases, and the
    scales and shifts of normalisation, are the decoder's own.

    Args:
        shape: of one sample, ``(features,)`` or ``(channels, height, width)``.
        widths: of the encoder's layers, input side first, the code last.
        nonlinearities: of the encoder's layers, the code's last.
        decoder_nonlinearities: of the decoder's hidden layers, the one next to the code first.
        reconstruction: what the raw output of ``decode`` means.
        options: of the hidden layers; none where it is left out.

    Shapes:
        input and output ``(batch, *shape)``; code ``(batch, widths[-1])``.
    """

    def __init__(
        self,
        shape: Sequence[int],
        widths: Sequence[int],
        nonlinearities: Sequence[Activation],
        decoder_nonlinearities: Sequence[Activation],
        reconstruction: Reconstruction,
        options: Options | None = None,
    ) -> None:
        super().__init__()
        self.shape = tuple(shape)
        self.code_size = widths[-1]
        self.reconstruction = reconstruction
        sizes = [torch.Size(shape).numel(), *widths]
        chosen: Options = options or {}
        self.encoder = perceptron(sizes, nonlinearities, chosen)
        after = [
            nn.Sequential(*behind(width, name, chosen))
            for width, name in zip(widths[-2::-1], decoder_nonlinearities, strict=True)
        ]
        self.after = nn.ModuleList([*after, nn.Identity()])
        outputs = sizes[-2::-1]
        self.biases = nn.ParameterDict(
            {
                str(place): torch.zeros(size)
                for place, size in enumerate(outputs)
                if has_bias(chosen, last=place == len(outputs) - 1)
            }
        )

    def encode(self, x: Tensor) -> Tensor:
        """Give the code ``(batch, code_size)`` of ``x``, ``(batch, *shape)``."""
        code: Tensor = self.encoder(x.flatten(1))
        return code

    def decode(self, code: Tensor) -> Tensor:
        """Give the raw output ``(batch, *shape)``."""
        hidden = code
        mirrored = reversed(linears(self.encoder))
        for place, (layer, after) in enumerate(zip(mirrored, self.after, strict=True)):
            bias = self.biases.get(str(place))
            hidden = after(linear(hidden, layer.weight.T, bias))
        return hidden.view(-1, *self.shape)

    def mean(self, raw: Tensor) -> Tensor:
        """Turn the raw output into the units of the input."""
        return mean(raw, self.reconstruction)


@final
class Classifier(nn.Module):
    """A dense encoder with a softmax head.

    Vincent et al. (2010), JMLR 11:3371, section 5: the stack's encoder, all of it fine-tuned.

    Args:
        shape: of one sample.
        widths: of the encoder's layers, input side first, the code last.
        nonlinearities: of the encoder's layers.
        classes: number of classes.
        dropout: probability of dropping each hidden unit in training (Srivastava et al. 2014).
        options: of the encoder's layers; none where it is left out.

    Shapes:
        input ``(batch, *shape)``; code ``(batch, widths[-1])``; logits ``(batch, classes)``.
    """

    def __init__(
        self,
        shape: Sequence[int],
        widths: Sequence[int],
        nonlinearities: Sequence[Activation],
        classes: int,
        dropout: float,
        options: Options | None = None,
    ) -> None:
        super().__init__()
        self.shape = tuple(shape)
        self.code_size = widths[-1]
        sizes = [torch.Size(shape).numel(), *widths]
        self.encoder = perceptron(sizes, nonlinearities, options)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(widths[-1], classes)

    def encode(self, x: Tensor) -> Tensor:
        """Give the code ``(batch, code_size)`` of ``x``, ``(batch, *shape)``."""
        hidden = x.flatten(1)
        for layer in self.encoder:
            hidden = layer(hidden)
            if not isinstance(layer, nn.Linear | KeepLargest):
                hidden = self.dropout(hidden)
        return hidden

    def forward(self, x: Tensor) -> Tensor:
        """Give the logits ``(batch, classes)`` of ``x``."""
        logits: Tensor = self.head(self.encode(x))
        return logits
