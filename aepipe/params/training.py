"""The schedule of a training."""

from typing import Literal

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from aepipe.params.base import Fraction, Section


class Limits(Section):
    """What fails a training that has come to its end; beyond either there is a warning anyhow."""

    collapsed: Fraction | None = None
    """Largest share of the code's units that may say nothing on validation: that never change, or
    of a Gaussian posterior vary by less than 0.01."""
    rise: NonNegativeFloat | None = None
    """How far the validation loss may end above that of the first epoch, in its own units."""


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
    limits: Limits | None = None
    """Absent: nothing that ends with finite numbers fails."""
