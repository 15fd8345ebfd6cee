"""Classify samples with a registered model: python examples/load_pyfunc.py models:/NAME@ALIAS"""

import sys

import mlflow

model = mlflow.pyfunc.load_model(sys.argv[1])
samples = model.input_example  # any batch (n, *shape) in the dataset's own units
predictions = model.predict(samples)
for name, chances in zip(predictions["class_name"], predictions["probabilities"], strict=True):
    print(f"{name}: {chances.max():.1%}")
