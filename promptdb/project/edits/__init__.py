"""Writes into a checkout. No other code does."""
