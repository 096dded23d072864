"""Prompt files on disk: find them, read them strictly, resolve what they name."""
