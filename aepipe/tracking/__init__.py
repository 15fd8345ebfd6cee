"""Telling MLflow what a stage does, without the stage or its results knowing."""
