"""Prompt files: finds them, reads them strictly, and edits them."""
