"""Tables: the model, its writers, comparisons of results, and published numbers beside measured ones."""
