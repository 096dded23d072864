"""Reads prompt files into specs whose fields have a file, line and column."""
