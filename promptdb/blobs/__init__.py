"""Content-addressed bytes: the key of a blob is its digest."""
