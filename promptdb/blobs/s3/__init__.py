"""Blobs in MinIO, Amazon S3 or another S3."""
