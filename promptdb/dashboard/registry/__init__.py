"""The registry as the pages ask it: one in this process, or one behind the HTTP API."""
