"""Bytes of a prompt file -> spec with places."""
