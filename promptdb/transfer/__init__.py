"""Exports and imports: one version in a file, a whole registry in a file, a registry to another one."""
