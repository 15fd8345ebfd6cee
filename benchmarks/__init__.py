"""Measurements of aepipe on the machine at hand; ``make bench``."""
