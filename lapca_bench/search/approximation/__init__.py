"""Approximate search through faiss."""
