"""From a spec and values to text and messages. Pure: nothing here reads a file or the environment."""
