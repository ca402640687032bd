"""Objectives: the terms that a step adds up, each with its settings, its needs and its loss."""
