"""Exports and imports of versions and whole registries, and copies from one registry to another."""
