"""Mining: aligned pairs out of linked text, by an aligner's vectors or the corpus's own alignment, and their report."""
