"""One changed field -> bytes of a prompt file."""
