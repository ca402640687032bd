"""Linked text to train on: pages of several languages from Wikipedia, help pages, package descriptions and files."""
