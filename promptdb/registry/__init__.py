"""Reads and moves what is recorded: stores, versions, aliases."""
