"""Reads prompts in applications at run time."""
