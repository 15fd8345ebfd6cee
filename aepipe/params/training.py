"""The schedule of a training."""

from typing import Literal

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from aepipe.params.base import Section


class Training(Section):
    """Mini-batch gradient descent with Adam; the epoch best on validation is kept."""

    epochs: PositiveInt
    """At most this many passes over the training split."""
    batch_size: PositiveInt
    """Samples per step."""
    learning_rate: PositiveFloat
    """Adam's step size at the start."""
    schedule: Literal["constant", "cosine"]
    """``cosine`` lowers the step size to 0 over ``epochs`` (Loshchilov and Hutter 2017)."""
    weight_decay: NonNegativeFloat
    """Decoupled (AdamW), per unit of learning rate."""
    patience: PositiveInt
    """Epochs without a better validation loss after which training stops."""
    precision: Literal["float32", "bfloat16"]
    """``bfloat16`` runs matrix products in that precision (autocast); it changes results."""
