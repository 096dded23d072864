"""Typed source, in Python and TypeScript, of what prompts take and answer."""
