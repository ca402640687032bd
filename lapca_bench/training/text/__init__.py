"""Linked texts to train on: Wikipedia, help pages, package descriptions, interface texts, parallel files."""
