"""The types of ``params.yaml``: closed unions, strict, frozen; one module per concern."""
