"""Prompts as LangChain's own kinds of templates. Imported only by those who ask for one."""
