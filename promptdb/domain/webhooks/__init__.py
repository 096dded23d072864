"""Webhooks after Standard Webhooks 1.0.0: events, signatures, the schedule of retries, and who may be called."""
