"""Batches: what a training step is given of aligned pairs, or of questions and their passages."""
