"""Typed source in Python and TypeScript, from the contracts of prompts."""
