"""Corruption of inputs: each noise is a function of a tensor and a generator. Needs torch alone."""
