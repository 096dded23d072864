"""The sources of a client. Only the chosen one is imported."""
