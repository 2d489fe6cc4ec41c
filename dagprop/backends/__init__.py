"""*Who computes*: the NumPy reference."""
