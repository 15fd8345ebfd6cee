"""One module per stage of ``dvc.yaml``: ``Params``, ``Inputs``, ``Outputs`` and ``run``."""
