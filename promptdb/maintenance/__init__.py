"""Upkeep of a registry: verify, repair, collect garbage, diagnose."""
