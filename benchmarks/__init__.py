"""Speed and memory against each peer on the same work: `python -m benchmarks` writes RESULTS.md."""
