"""Losses: each term is summed over features and averaged over the batch, in its stated unit."""
