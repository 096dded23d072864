"""Reads git repositories through plumbing commands. Only `index` writes, and only objects and the index.

Every function that runs git raises `StorageError` if git fails or is not installed.
"""
