"""Integrations: one folder for each, whose packages are an extra of this one (`pip install 'miniagents[openai]'`)."""
