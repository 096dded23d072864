"""Turns a spec and values into text and messages. Pure: reads neither files nor the environment."""
