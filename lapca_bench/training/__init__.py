"""Training: recipes, linked text, pairs mined from it, batches, losses, and checkpoints made small to ship."""
