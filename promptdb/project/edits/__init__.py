"""Writes into a checkout: the only code that does."""
