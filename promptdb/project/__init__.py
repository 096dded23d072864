"""Reads a checkout: a view of the tree becomes desired state."""
