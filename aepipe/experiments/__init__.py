"""Experiments: small files that say what differs from ``params.yaml``, and what to expect."""
