"""Architectures whose numbers do not go together are refused with the numbers."""

import pytest
from pydantic import ValidationError

from aepipe.params.convolutional import Convolutional
from aepipe.params.sequence import MaskedSteps, Transformer

CONVOLUTIONAL = {
    "kind": "convolutional", "channels": [4], "kernel": 3, "stride": 2, "padding": 1,
    "encoder": "strided", "decoder": "resize", "code_size": 4, "activation": "relu",
}  # fmt: skip


@pytest.mark.parametrize(
    ("width", "heads", "advice"), [(10, 4, "try 8"), (9, 3, "try 12"), (7, 7, "try 14")]
)
def test_heads_that_do_not_share_the_width_are_refused(width, heads, advice):
    with pytest.raises(ValidationError, match=f"width {width} is odd or no .* {heads}.*{advice}"):
        Transformer(kind="transformer", width=width, heads=heads, layers=1, code_size=2)


def test_masking_may_be_left_out_and_a_fraction_lies_between_none_and_all():
    plain = Transformer(kind="transformer", width=8, heads=2, layers=1, code_size=2)
    assert plain.masking is None
    for fraction in (0.0, 1.0):
        with pytest.raises(ValidationError, match="fraction"):
            MaskedSteps(fraction=fraction, visible_weight=0.0)


def test_convolutions_that_miss_pixels_or_see_only_padding_are_refused():
    with pytest.raises(ValidationError, match=r"stride 4 is more than kernel 3.*never read"):
        Convolutional(**CONVOLUTIONAL | {"stride": 4})
    with pytest.raises(ValidationError, match=r"padding 3 is not below kernel 3.*1 is usual"):
        Convolutional(**CONVOLUTIONAL | {"padding": 3})
