"""Integrations, one folder for each; an extra installs the packages it needs (`pip install 'miniagents[openai]'`)."""
