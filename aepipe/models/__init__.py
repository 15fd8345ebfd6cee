"""Networks: flat parameters, no params sections inside. All but the builder need torch alone.

Every autoencoder has ``encode`` and ``decode``; ``decode`` gives the raw output of the last layer,
which :func:`aepipe.models.outputs.mean` turns into data units.
"""
