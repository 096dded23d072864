"""Prompts as files of other tools, with what each file cannot hold."""
