"""Settings of every test. Being here, it also puts this folder on the import path: toys shared by folders lie in it."""

from hypothesis import settings

# Reproducible, and without a limit of time per example: the machines that run this differ.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")
