"""git, read through GitPython and its plumbing commands. Nothing here changes a repository."""
