"""Published numbers with their sources, and measured ones beside them."""
