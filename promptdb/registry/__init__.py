"""Reads recorded versions from a database and a blob store, and moves aliases."""
