"""Content-addressed bytes: each blob is stored under its digest."""
