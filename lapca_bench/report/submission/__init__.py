"""Submissions: results checked and packed into one file, and merged by a maintainer who recomputes every fact of them."""
