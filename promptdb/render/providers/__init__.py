"""Prompts as requests of providers' APIs: plain data, for which no SDK is needed."""
