"""Networks so small that building one takes no time, for tests that need some of each sort."""

from aepipe.models.files import Blueprint


def deep(shape: list[int]) -> Blueprint:
    """An autoencoder of samples of ``shape``, with a code of 3."""
    return Blueprint(
        "deep",
        {
            "shape": shape,
            "widths": [6, 3],
            "nonlinearities": ["relu", "linear"],
            "decoder_nonlinearities": ["relu"],
            "reconstruction": "bernoulli",
        },
    )


def vae(shape: list[int]) -> Blueprint:
    """A variational autoencoder of samples of ``shape``, with a code of 2."""
    return Blueprint(
        "variational",
        {
            "shape": shape,
            "trunk": {"convolutions": None, "widths": [6], "nonlinearity": "silu"},
            "code_size": 2,
            "likelihood": {"kind": "bernoulli"},
            "latent": "gaussian",
        },
    )
