"""Submissions: results checked and packed into one file; whoever merges it recomputes every fact of them."""
