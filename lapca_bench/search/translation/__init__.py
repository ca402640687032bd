"""Translate-test: a system behind a translator, and the translators."""
