"""Experiments: what to run, its cells, running them, and where every number came from."""
