"""Writes prompts as requests for providers' APIs: plain data that needs no SDK."""
