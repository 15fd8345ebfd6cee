"""Read weights with nothing but torch and safetensors: python examples/plain_safetensors.py FOLDER

FOLDER is models/autoencoder, or artifacts/model of a registered version. In the file, the layers of
a dense encoder are called encoder.0, encoder.2, ...; model.json beside it says the rest.
"""

import sys

import torch
from safetensors.torch import load_file

weights = load_file(f"{sys.argv[1]}/weights.safetensors")
first = torch.nn.Linear(*reversed(weights["encoder.0.weight"].shape))
first.load_state_dict({"weight": weights["encoder.0.weight"], "bias": weights["encoder.0.bias"]})

print(first, f"of {len(weights)} tensors")
