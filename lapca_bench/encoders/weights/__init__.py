"""What lies under an encoder: checkpoints, tokenisers, batches, pooling, exports, deltas."""
