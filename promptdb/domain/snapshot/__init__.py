"""Snapshots: prompts of one state of a registry in one file, which applications read without the registry."""
