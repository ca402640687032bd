"""Exact search over stored vectors: blocked top-k, its bfloat16 filter, and MaxSim."""
