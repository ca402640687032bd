"""Aligned pairs out of linked text: the aligner, the margin, and what was mined."""
