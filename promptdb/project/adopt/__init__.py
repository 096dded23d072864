"""Proposes settings for a repository as it is. Only `Proposal.write` writes, and it replaces nothing."""
