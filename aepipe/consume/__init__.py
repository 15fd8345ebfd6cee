"""Using trained models: what they take, what they give, streams of it, other formats.

Knows neither MLflow nor the pipeline: a model is a folder, wherever it came from.
"""
