"""Untrusted text on pages. It reaches the browser as escaped HTML, as plain text or as code, and never as Markdown."""
