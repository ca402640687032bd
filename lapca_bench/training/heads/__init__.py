"""Heads: small maps over a frozen encoder, their methods, and how they are trained."""
