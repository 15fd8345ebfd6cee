"""What a representation is worth: the PCA baseline, reconstruction, probes, robustness, intervals.

Everything here works on numpy arrays and needs no torch. All errors are summed over the features
of a sample and averaged over samples, in squared scaled units.
"""
