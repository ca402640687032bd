"""One step: a batch becomes a gradient, in chunks, over threads and processes."""
