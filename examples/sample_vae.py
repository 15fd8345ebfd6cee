"""Draw new samples from a VAE: python examples/sample_vae.py models:/NAME@ALIAS OUTPUT.npy"""

import sys

import mlflow
import numpy as np

vae = mlflow.pyfunc.load_model(sys.argv[1])
drawn = vae.predict([], params={"mode": "sample", "samples": 16, "seed": 0})["samples"]
np.save(sys.argv[2], drawn)  # (16, *shape) in the dataset's own units; equal seeds, equal samples
print(f"{len(drawn)} samples from {drawn.min():.3g} to {drawn.max():.3g}")
