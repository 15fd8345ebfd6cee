"""Trained models as versions in the MLflow model registry."""
