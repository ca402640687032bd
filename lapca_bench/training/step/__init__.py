"""One optimisation step: gradient caching, threads, texts read together."""
