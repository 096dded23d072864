"""Sends the events that were promised to webhooks."""
