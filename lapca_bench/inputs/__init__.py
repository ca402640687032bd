"""Text that people bring, in whatever packing: decompression, encodings, numbers, ids and lines, one rule for all.

Whoever reads a run, judgements or a corpus reads through here, so that no two readers take one file for two things.
"""
