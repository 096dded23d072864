"""Puts facts into words; opens nothing."""
