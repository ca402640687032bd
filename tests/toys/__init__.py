"""Small things that tests share: checkpoints, collections, results, archives."""
