"""Systems of this project inside MTEB and PyTerrier, and theirs inside this one; one module each, by one import.

Neither is installed by default: the extras `mteb` and `pyterrier` bring them.
"""
