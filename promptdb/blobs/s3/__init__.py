"""Requests to MinIO, Amazon S3 or another S3 server."""
