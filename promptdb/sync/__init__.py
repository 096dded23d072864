"""Decides and writes syncs: the only room that knows both the files and the recorded state."""
