"""Compares rows with one another and with their digests."""
