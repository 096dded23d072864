"""Prompts for MCP clients, such as editors and chat programs. Needs the extra `mcp`."""
