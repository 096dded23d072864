"""How applications read prompts at run time."""
