"""The sources that a client can read from. Each is loaded only if it is chosen."""
